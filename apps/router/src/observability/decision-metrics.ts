import type { Registry } from "prom-client";
import type { DecisionObserver } from "./decision-observer.ts";
import { CellFamily, registerCellMetric } from "./metric-cells.ts";

/** Metrics of shadow policies, of the user's own policy and of the decision log. */
export function decisionMetrics(registry: Registry): DecisionObserver {
  const family = (name: string, help: string, type: "counter" | "gauge" = "counter"): CellFamily => {
    const created = new CellFamily(`vllm_router_${name}`, { help, type });
    registerCellMetric(registry, created);
    return created;
  };
  const decisions = family("shadow_decisions_total", "Decisions of shadow policies, by policy.");
  const disagreements = family(
    "shadow_disagreements_total",
    "Decisions in which a shadow policy would have chosen another rank, by policy.",
  );
  const hits = family(
    "policy_predicted_hit_tokens_total",
    "Prompt tokens that a policy expected in the cache of the worker it chose, by policy and whether it acted.",
  );
  const prompts = family(
    "policy_prompt_tokens_total",
    "Prompt tokens of the decisions so compared, by policy and whether it acted.",
  );
  const left = family(
    "shadow_dropped_total",
    "Placements of request threads that shadow policies were not told of: they could not keep up.",
  );
  const faults = family("policy_file_faults_total", "Faults of the policy of --policy-file, by kind.");
  const active = family(
    "policy_file_active",
    "1 while the policy of --policy-file decides, else 0.",
    "gauge",
  );
  const dropped = family("decision_log_dropped_total", "Decisions left out of --decision-log.");
  return {
    shadowed: ({ policy, matchedTokens, promptTokens, shadows }) => {
      hits.cell({ policy, role: "acting" }).value += matchedTokens;
      prompts.cell({ policy, role: "acting" }).value += promptTokens;
      for (const shadow of shadows) {
        decisions.cell({ policy: shadow.policy }).value += 1;
        disagreements.cell({ policy: shadow.policy }).value += shadow.agrees ? 0 : 1;
        hits.cell({ policy: shadow.policy, role: "shadow" }).value += shadow.matchedTokens;
        prompts.cell({ policy: shadow.policy, role: "shadow" }).value += promptTokens;
      }
    },
    shadowsDropped: (placements) => {
      left.cell({}).value += placements;
    },
    policyLoaded: () => {
      active.cell({}).value = 1;
    },
    policyFailed: (fault) => {
      faults.cell({ fault }).value += 1;
      if (fault !== "load") {
        active.cell({}).value = 0;
      }
    },
    policySaid: () => undefined,
    logDropped: () => {
      dropped.cell({}).value += 1;
    },
    logFailed: () => undefined,
  };
}
