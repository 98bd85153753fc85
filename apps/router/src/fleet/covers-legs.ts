import type { WorkerRole } from "@vllm-router/routing-core";

/** Whether a request can be served: by a worker that is ready, where generations are divided by one for each leg. */
export function coversLegs(
  workers: Iterable<{ readonly role: WorkerRole; readonly isReady: boolean }>,
): boolean {
  const ready = new Set<WorkerRole>();
  let isDivided = false;
  for (const { role, isReady } of workers) {
    isDivided ||= role !== "any";
    if (isReady) {
      ready.add(role);
    }
  }
  return isDivided ? ready.has("prefill") && ready.has("decode") : ready.size > 0;
}
