import type { RouterConfig } from "@vllm-router/config";
import type { Fleet } from "../fleet/fleet.ts";
import type { Deciders } from "../fleet/deciders.ts";
import type { Timers } from "../fleet/timers.ts";
import type { DecisionObserver } from "../observability/decision-observer.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import { randomId } from "../pipeline/random-id.ts";
import { connectorOf } from "./connectors.ts";
import { LearnedIdentities } from "./learned-identities.ts";
import { PrefillLegs, type PairFleet } from "./prefill-legs.ts";

/** Who chooses prefill workers; undefined where generations are not divided. */
export function createPrefillLegs(
  { disaggregation }: RouterConfig,
  parts: {
    readonly fleet: PairFleet;
    readonly routing: Pick<Deciders, "prefillDispatchers" | "shadows">;
    readonly timers: Timers;
    readonly observer: RouterObserver;
    readonly decisionObserver?: Pick<DecisionObserver, "shadowed"> | undefined;
    /** What engines told; default known to this thread alone. */
    readonly learned?: LearnedIdentities | undefined;
  },
): PrefillLegs | undefined {
  const { fleet, routing, timers, observer, decisionObserver, learned = new LearnedIdentities() } = parts;
  const dispatchers = routing.prefillDispatchers;
  if (dispatchers === undefined) {
    return undefined;
  }
  const { fallback, prefillTimeoutSecs, minPromptTokens, maxLocalTokens } = disaggregation;
  const connector = connectorOf(disaggregation);
  const computesPrompts = connector.computesPrompts !== false;
  return new PrefillLegs({
    fleet,
    dispatchers,
    observer,
    shadows: routing.shadows,
    decisionObserver,
    connector,
    learned,
    rules: computesPrompts
      ? { minPromptTokens, maxLocalPrefillTokens: maxLocalTokens }
      : { minPromptTokens: 0, maxLocalPrefillTokens: -1 },
    fallsBack: fallback === "decode" && computesPrompts,
    prefillTimeoutMs: prefillTimeoutSecs * 1000,
    uniqueId: randomId,
    after: (delayMs, action) => timers.after(delayMs, action),
  });
}

/** Registers `--prefill` and `--decode`. */
export function registerLegs({ disaggregation }: RouterConfig, fleet: Fleet): void {
  // What stands between the addresses are bootstrap ports, which Mooncake alone needs.
  for (const url of disaggregation.prefill.filter((text) => text.includes("://"))) {
    fleet.register(url, "prefill");
  }
  for (const url of disaggregation.decode) {
    fleet.register(url, "decode");
  }
}
