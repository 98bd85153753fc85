import { findPackagedProgram } from "./packaged-program.ts";
import type { EngineName, LocalPlan } from "./plan.ts";
import { rewritten } from "./read-plan.ts";

/** Large models load for long, and a dead engine ends the router anyway. */
const STARTUP_TIMEOUT_SECS = "86400";
const STARTUP_CHECK_SECS = "1";

/** vLLM schedules first come, first served unless it is told otherwise. */
function schedulingPolicy(plan: LocalPlan): string {
  const given = lastOf(plan, "scheduling-policy");
  return given === undefined || given === "fcfs" ? "fcfs" : given === "priority" ? given : "unknown";
}

/** vllm-rs hands out no files: the router has to read the same tokenizer. */
function tokenizerOf(plan: LocalPlan, engine: EngineName): readonly string[] {
  const tokenizer = engine === "vllm-rs" ? lastOf(plan, "tokenizer") : undefined;
  return tokenizer === undefined ? [] : [`--tokenizer-path=${tokenizer}`];
}

function lastOf(plan: LocalPlan, name: string): string | undefined {
  return plan.flags.filter((flag) => flag.name === name).at(-1)?.values[0];
}

/** Builds the command of the router in front of the engines at these addresses. */
export function routerCommand(
  plan: LocalPlan,
  engine: EngineName,
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
      `--engine-scheduling-policy=${schedulingPolicy(plan)}`,
      ...tokenizerOf(plan, engine),
      // The user's own words come last: the last one of several wins.
      ...plan.frontendFlags.flatMap((flag) => rewritten(flag, flag.name)),
      ...plan.routerArguments,
    ],
  };
}
