import type { RouterConfig } from "@vllm-router/config";
import { policyParameters } from "../fleet/routing-settings.ts";
import { RouterError } from "../router-error.ts";

/**
 * Stops the start with `--threads` above 1 where a setting would not do what it says: what one thread remembers of
 * sessions or responses another one does not know.
 * @throws RouterError `threads` naming the settings
 */
export function refuseSettingsWithThreads(config: RouterConfig): void {
  const { routing, frontend, server } = config;
  const refused = [
    ...(routing.policy === "sticky" ? ["--policy sticky"] : []),
    ...(routing.policy === "weighted" && (policyParameters(config)["affinity"] ?? 0) > 0
      ? ["--policy weighted with a weight of affinity"]
      : []),
    ...(routing.shadowPolicies.length > 0 ? ["--shadow-policy"] : []),
    ...(routing.policyFile === undefined ? [] : ["--policy-file"]),
    ...(frontend.enableResponsesStore ? ["--enable-responses-api-store"] : []),
    ...(server.unixSocket === undefined ? [] : ["--uds"]),
  ];
  if (refused.length > 0) {
    throw new RouterError(
      "threads",
      `--threads ${server.threads} cannot be had together with ${refused.join(", ")}: what is remembered for them belongs to one thread. Leave one of the two out.`,
    );
  }
}
