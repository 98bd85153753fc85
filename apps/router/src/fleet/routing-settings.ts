import type { RouterConfig } from "@vllm-router/config";
import {
  POLICIES,
  type BreakerParameters,
  type PolicyDefinition,
  type RoutingKeyRules,
} from "@vllm-router/routing-core";
import type { LegPolicy, RoutingOptions } from "./routing-options.ts";

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

/** The settings of the circuit breakers; undefined for none. */
export function breakerSettings({ breaker }: RouterConfig): Partial<BreakerParameters> | undefined {
  return breaker.disabled
    ? undefined
    : {
        failureThreshold: breaker.failureThreshold,
        successThreshold: breaker.successThreshold,
        timeoutMs: breaker.timeoutSecs * 1000,
        windowMs: breaker.windowSecs * 1000,
      };
}

/** No admission limit: more requests than any machine holds. */
const UNLIMITED = 2 ** 30;

/** The settings of the limit on running requests and of the queue before it. */
export function admissionSettings({ admission }: RouterConfig): {
  readonly maxConcurrentRequests: number;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
} {
  const { maxConcurrentRequests, queueSize, queueTimeoutSecs } = admission;
  return {
    maxConcurrentRequests: maxConcurrentRequests === 0 ? UNLIMITED : maxConcurrentRequests,
    queueSize,
    queueTimeoutMs: queueTimeoutSecs * 1000,
  };
}
