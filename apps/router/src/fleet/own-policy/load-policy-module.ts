import { pathToFileURL } from "node:url";
import { createCustomPolicy, type Policy } from "@vllm-router/routing-core";

/**
 * Loads a policy from a TypeScript or JavaScript module that exports it as `policy` or as its default.
 * @throws what the module throws; RoutingError `invalid_policy` when it exports none
 */
export async function loadPolicyModule(path: string): Promise<Policy> {
  const exported = (await import(pathToFileURL(path).href)) as {
    readonly policy?: unknown;
    readonly default?: unknown;
  };
  return createCustomPolicy(exported.policy ?? exported.default);
}
