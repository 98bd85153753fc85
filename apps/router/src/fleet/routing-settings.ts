import type { RouterConfig } from "@vllm-router/config";
import { POLICIES, type PolicyDefinition, type RoutingKeyRules } from "@vllm-router/routing-core";
import type { LegPolicy, RoutingOptions } from "./routing.ts";

/** The settings of the chosen policy, by the names the policy gives its parameters. */
export function policyParameters(
  config: RouterConfig,
  policy: string = config.routing.policy,
): Readonly<Partial<Record<string, number>>> {
  const definition: PolicyDefinition = POLICIES[policy as keyof typeof POLICIES];
  const settings: Readonly<Record<string, unknown>> = config.routing;
  const parameters: Record<string, number> = {};
  for (const name of Object.keys(definition.parameters)) {
    const value = settings[name];
    if (typeof value === "number") {
      parameters[name] = value;
    }
  }
  return policy === config.routing.policy
    ? { ...parameters, ...config.routing.policyParameters }
    : parameters;
}

/** The policies of the two legs; undefined where generations are not divided. */
export function legPolicies(config: RouterConfig): RoutingOptions["legs"] {
  const { enabled, prefillPolicy, decodePolicy } = config.disaggregation;
  const of = (policy: string = config.routing.policy): LegPolicy => ({
    policy,
    parameters: policyParameters(config, policy),
  });
  return enabled ? { prefill: of(prefillPolicy), decode: of(decodePolicy) } : undefined;
}

/** Where the operator wants the affinity key to be looked for; undefined for the Rust router's way. */
export function affinityRules({ routing }: RouterConfig): RoutingKeyRules | undefined {
  const { affinityHeaders: headers, affinityFields: fields } = routing;
  return headers.length + fields.length === 0 ? undefined : { headers, fields };
}
