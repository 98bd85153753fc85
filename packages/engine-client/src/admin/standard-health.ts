import { type HealthDefinition, ServingStatus } from "@vllm-router/proto/messages";
import type { AdminCallOptions } from "./admin-call.ts";
import type { ServiceClient } from "./service-client.ts";

/** What the standard health service says. */
export type StandardHealth = "serving" | "not-serving" | "unknown";

/** Asks the standard health service about a service. Rejects with an EngineError: `rejected` when the server does not know it. */
export async function askStandardHealth(
  health: ServiceClient<HealthDefinition>,
  service: string,
  options: AdminCallOptions,
): Promise<StandardHealth> {
  const { status } = await health.call({ method: "check", request: { service } }, options);
  if (status === ServingStatus.SERVING) return "serving";
  return status === ServingStatus.NOT_SERVING ? "not-serving" : "unknown";
}
