import type { WorkerState } from "../observability/router-observer.ts";

/** Workers named in a message about what is not ready. */
const TOLD_WORKERS = 4;

/** How the workers in such states stand, for people: the first few of them by name. */
export function standing(
  workers: Iterable<{ readonly url: string; readonly state: WorkerState; readonly detail: string }>,
  isMeant: (state: WorkerState) => boolean,
): string {
  const meant = [...workers].filter((worker) => isMeant(worker.state));
  const told = meant
    .slice(0, TOLD_WORKERS)
    .map(({ url, state, detail }) => `${url} is ${state}${detail === "" ? "" : `: ${detail}`}.`);
  const rest = meant.length - told.length;
  return [...told, ...(rest > 0 ? [`${rest} more are not ready.`] : [])].join(" ");
}
