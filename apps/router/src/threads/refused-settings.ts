import type { RouterConfig } from "@vllm-router/config";
import { RouterError } from "../router-error.ts";

/**
 * Stops the start with `--threads` above 1 where a setting would not do what it says.
 * @throws RouterError `threads` naming the settings
 */
export function refuseSettingsWithThreads({ server }: RouterConfig): void {
  if (server.unixSocket !== undefined) {
    throw new RouterError(
      "threads",
      `--threads ${server.threads} cannot be had together with --uds: threads share a port, but not a path. Leave one of the two out.`,
    );
  }
}
