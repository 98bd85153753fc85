import { POLICIES, POLICY_NAMES, type PolicyDefinition } from "@vllm-router/routing-core";

/** One row per policy, then one per parameter that a policy takes. */
export function policyTables(): string {
  const policies = POLICY_NAMES.map((name): PolicyDefinition => POLICIES[name]);
  const parameters = policies.flatMap((policy) =>
    Object.entries(policy.parameters).map(
      ([name, parameter]) =>
        `| \`${policy.name}\` | \`${name}\` | ${parameter.default} | ${parameter.minimum} to ${parameter.maximum} | ${parameter.description} |`,
    ),
  );
  return [
    "| policy | takes |",
    "|---|---|",
    ...policies.map((policy) => `| \`${policy.name}\` | ${policy.description} |`),
    "",
    "| policy | parameter | default | range | meaning |",
    "|---|---|---|---|---|",
    ...parameters,
  ].join("\n");
}
