import type { RouterConfig } from "@vllm-router/config";
import type { Policy, PolicySource } from "@vllm-router/routing-core";
import type { Timers } from "../timers.ts";
import { PolicyFile, type PolicyFileObserver } from "./policy-file.ts";

/** `--policy-file`; undefined for none. @throws RouterError `policy_file` */
export async function openPolicyFile(
  { routing }: RouterConfig,
  parts: { readonly timers: Timers; readonly observer: PolicyFileObserver },
): Promise<PolicyFile | undefined> {
  const { policyFile: path, policyBudgetMs: budgetMs, policyTimeoutMs: timeoutMs } = routing;
  return path === undefined ? undefined : PolicyFile.open({ path, budgetMs, timeoutMs, ...parts });
}

/**
 * What decides where the policy of `--policy-file` is asked in other threads: it needs of this one what it would need if it
 * were asked here. Undefined where there is none.
 */
export function absentPolicy({ routing }: RouterConfig): ((fallback: Policy) => PolicySource) | undefined {
  return routing.policyFile === undefined ? undefined : (fallback) => ({ current: fallback });
}
