import type { RouterConfig } from "@vllm-router/config";
import type { Fleet } from "../fleet/fleet.ts";
import type { Deciders } from "../fleet/deciders.ts";
import type { Timers } from "../fleet/timers.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import { randomId } from "../pipeline/random-id.ts";
import { CONNECTORS } from "./connectors.ts";
import { PrefillLegs, type PairFleet } from "./prefill-legs.ts";

/** Who chooses prefill workers; undefined where generations are not divided. */
export function createPrefillLegs(
  { disaggregation }: RouterConfig,
  parts: {
    readonly fleet: PairFleet;
    readonly routing: Pick<Deciders, "prefillDispatchers">;
    readonly timers: Timers;
    readonly observer: RouterObserver;
  },
): PrefillLegs | undefined {
  const { fleet, routing, timers, observer } = parts;
  const dispatchers = routing.prefillDispatchers;
  if (dispatchers === undefined) {
    return undefined;
  }
  const { connector, fallback, prefillTimeoutSecs, minPromptTokens, maxLocalTokens } = disaggregation;
  return new PrefillLegs({
    fleet,
    dispatchers,
    observer,
    connector: CONNECTORS[connector],
    rules: { minPromptTokens, maxLocalPrefillTokens: maxLocalTokens },
    fallsBack: fallback === "decode",
    prefillTimeoutMs: prefillTimeoutSecs * 1000,
    uniqueId: randomId,
    after: (delayMs, action) => timers.after(delayMs, action),
  });
}

/** Registers `--prefill` and `--decode`. */
export function registerLegs({ disaggregation }: RouterConfig, fleet: Fleet): void {
  for (const { url } of prefillWorkers(disaggregation.prefill)) {
    fleet.register(url, "prefill");
  }
  for (const url of disaggregation.decode) {
    fleet.register(url, "decode");
  }
}

/** Port of a Mooncake bootstrap server where nobody says another. */
const BOOTSTRAP_PORT = 8998;

/** The workers that `--prefill URL [PORT|none]` names, with the ports of their bootstrap servers. */
export function prefillWorkers(
  given: readonly string[],
): readonly { readonly url: string; readonly bootstrapPort: number }[] {
  const workers: { url: string; bootstrapPort: number }[] = [];
  for (const text of given) {
    const last = workers.at(-1);
    if (text.includes("://")) {
      workers.push({ url: text, bootstrapPort: BOOTSTRAP_PORT });
    } else if (last !== undefined && text.toLowerCase() !== "none") {
      last.bootstrapPort = Number(text);
    }
  }
  return workers;
}
