import { findPackagedProgram } from "./packaged-program.ts";
import type { LocalPlan } from "./plan.ts";
import { rewritten } from "./read-plan.ts";

/** Large models load for long, and a dead engine ends the router anyway. */
const STARTUP_TIMEOUT_SECS = "86400";
const STARTUP_CHECK_SECS = "1";

/** Builds the command of the router in front of the engines at these addresses. */
export function routerCommand(
  plan: LocalPlan,
  workerUrls: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  const { command, args } = findPackagedProgram("vllm-router");
  return {
    command,
    args: [
      ...args,
      "--worker-urls",
      ...workerUrls,
      `--host=${plan.host}`,
      `--port=${plan.port}`,
      `--worker-startup-timeout-secs=${STARTUP_TIMEOUT_SECS}`,
      `--worker-startup-check-interval=${STARTUP_CHECK_SECS}`,
      // The user's own words come last: the last one of several wins.
      ...plan.frontendFlags.flatMap((flag) => rewritten(flag, flag.name)),
      ...plan.routerArguments,
    ],
  };
}
