import { Fleet } from "../src/fleet/fleet.ts";
import { createRouting, type Routing } from "../src/fleet/routing.ts";
import type { RoutingOptions } from "../src/fleet/routing-options.ts";
import type { WorkerFacts } from "../src/fleet/worker-connector.ts";
import { ModelCatalog } from "../src/models/model-catalog.ts";
import { NO_PARSERS } from "../src/models/model-parsers.ts";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import type { AttemptOutcome, RouterObserver } from "../src/observability/router-observer.ts";
import { createFakeConnector, type FakeConnector } from "./fake-engine.ts";
import { createFakeTimers, type FakeTimers } from "./fake-timers.ts";

/** A fleet of fake engines on a fake clock, and what it told its observer. */
export interface FakeFleet {
  readonly fleet: Fleet;
  readonly connector: FakeConnector;
  readonly timers: FakeTimers;
  readonly routing: Routing;
  readonly models: ModelCatalog;
  readonly observer: RouterObserver;
  /** State changes as `url state`. */
  readonly states: string[];
  readonly breakerChanges: string[];
  readonly attempts: (readonly [worker: string, outcome: AttemptOutcome])[];
  readonly decisions: string[];
  readonly internalErrors: unknown[];
}

/** Intervals of the fake fleet: probes every 10 s, 3 failures and 2 successes, 5 s to drain. */
export function createFakeFleet(options: Partial<RoutingOptions> = {}): FakeFleet {
  const timers = createFakeTimers();
  const connector = createFakeConnector();
  const states: string[] = [];
  const breakerChanges: string[] = [];
  const attempts: (readonly [string, AttemptOutcome])[] = [];
  const decisions: string[] = [];
  const internalErrors: unknown[] = [];
  const observer: RouterObserver = {
    requestStarted: () => undefined,
    requestFinished: () => undefined,
    decided: (policy, worker) => void decisions.push(`${policy} ${worker}`),
    attemptEnded: (worker, outcome) => void attempts.push([worker, outcome]),
    retryScheduled: () => undefined,
    retriesExhausted: () => undefined,
    breakerChanged: (worker, from, to) => void breakerChanges.push(`${worker} ${from} ${to}`),
    workerChanged: (worker, state) => void states.push(`${worker} ${state}`),
    internalError: (_, error) => void internalErrors.push(error),
  };
  const models = new ModelCatalog();
  const routing = createRouting({
    policy: "round_robin",
    breaker: undefined,
    now: () => timers.steadyMs(),
    random: () => 0.5,
    slotCapacity: 16,
    breakerChanged: (slot, from, to) => observer.breakerChanged(fleet.workerAt(slot)?.id ?? "?", from, to),
    ...options,
  });
  const fleet: Fleet = new Fleet({
    connector,
    timers,
    observer,
    slots: routing.slots,
    ledger: routing.ledger,
    breakers: routing.breakers,
    adoptModel: async ({ connection, facts }) => {
      await Promise.resolve();
      return connection.dialect === "http" ? undefined : models.adopt(fakeRuntime(facts));
    },
    releaseModel: (runtime, forget) => models.release(runtime, forget),
    thresholds: { failures: 3, successes: 2 },
    settings: { checkIntervalMs: 10_000, startupIntervalMs: 30_000, drainTimeoutMs: 5_000 },
  });
  return {
    fleet,
    connector,
    timers,
    routing,
    models,
    observer,
    states,
    breakerChanges,
    attempts,
    decisions,
    internalErrors,
  };
}

/** A runtime that is only looked at: its hash is the engine's root. */
export function fakeRuntime(facts: WorkerFacts): ModelRuntime {
  return {
    servedNames: facts.modelNames,
    root: facts.root,
    maxModelLength: facts.maxModelLength,
    vocabularySize: facts.vocabularySize,
    tokenizer: {} as ModelRuntime["tokenizer"],
    chatTemplate: undefined,
    toolTemplate: undefined,
    parsers: NO_PARSERS,
    defaults: { sampling: {}, maxTokensLimit: undefined, endTokenIds: [] },
    endOfSequenceTokenId: undefined,
    extraEndTokenIds: [],
    contentHash: facts.root,
    engineVersion: facts.engineVersion,
    systemFingerprint: null,
  };
}
