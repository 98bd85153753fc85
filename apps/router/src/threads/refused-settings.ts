import type { RouterConfig } from "@vllm-router/config";
import { RouterError } from "../router-error.ts";

/**
 * Stops the start with `--threads` above 1 where a setting would not do what it says: what one thread knows or remembers
 * another one does not.
 * @throws RouterError `threads` naming the settings
 */
export function refuseSettingsWithThreads(config: RouterConfig): void {
  const { frontend, server } = config;
  const refused = [
    ...(frontend.enableResponsesStore ? ["--enable-responses-api-store"] : []),
    ...(server.unixSocket === undefined ? [] : ["--uds"]),
  ];
  if (refused.length > 0) {
    throw new RouterError(
      "threads",
      `--threads ${server.threads} cannot be had together with ${refused.join(", ")}: they belong to one thread. Leave one of the two out.`,
    );
  }
}
