import type { Decision, PlaceDecision } from "../decision/decision.ts";
import { createDispatcher, type Dispatcher } from "../decision/dispatcher.ts";
import type { Settlement } from "../decision/settlement.ts";
import { createEngineLoadTable, type EngineLoadTable } from "../engine-load.ts";
import type { Generation } from "../generation.ts";
import { createLedger, type Ledger } from "../ledger.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import type { PrefixIndex } from "../prefix/prefix-index.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import { createSeededRandom } from "../random-source.ts";
import { createSnapshot, createWorkerView, type Snapshot, type WorkerView } from "../snapshot.ts";

/** A generation with a prompt and a routing key of its own per `identity`. */
export function testGeneration(identity: number, fields: Partial<Generation> = {}): Generation {
  return {
    requestId: `request-${identity}`,
    model: "m",
    tokenIds: Int32Array.from({ length: 64 }, (_, index) => identity * 1000 + index),
    promptTokens: 64,
    maxTokens: 16,
    routingKey: `session-${identity}`,
    requiredFields: [],
    excludedWorkers: [],
    ...fields,
  };
}

/** Workers `http://w0`, `http://w1` … with slots in that order; one per description. */
export function testWorkers(descriptions: readonly Partial<WorkerView>[]): WorkerView[] {
  let slot = 0;
  return descriptions.map((description, index) => {
    const worker = createWorkerView({ slot, id: `http://w${index}`, models: ["m"], ...description });
    slot += worker.ranks;
    return worker;
  });
}

/** `count` workers with nothing special about them. */
export function plainWorkers(count: number): WorkerView[] {
  return testWorkers(Array.from({ length: count }, () => ({})));
}

/** A dispatcher with everything around it. */
export interface TestFleet {
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  readonly loads: EngineLoadTable;
  readonly dispatcher: Dispatcher;
  /** The clock's time; tests move it. */
  nowMs: number;
  /** Publishes other workers. */
  publish(workers: readonly WorkerView[]): Snapshot;
  /** Gathers and decides. */
  ask(generation: Generation): Decision;
  /** Gathers, decides and settles; throws when nothing was chosen. */
  place(generation: Generation): { readonly decision: PlaceDecision; readonly settlement: Settlement };
  /** `place` and release at once: the id of the worker chosen. */
  visit(generation: Generation): string;
}

/** Sets a fleet up with a seeded policy. */
export function createTestFleet(options: {
  readonly policy: string;
  readonly workers: readonly WorkerView[];
  readonly parameters?: Readonly<Record<string, number>>;
  readonly seed?: number;
}): TestFleet {
  const ledger = createLedger({ slotCapacity: 128 });
  const index = createPrefixIndex({ slotCapacity: 128, capacityBytes: 1 << 18 });
  const loads = createEngineLoadTable({ slotCapacity: 128 });
  let version = 0;
  let snapshot: Snapshot;
  const dispatcher = createDispatcher({
    policy: createPolicy(options.policy, options.parameters),
    ledger,
    loads,
    index,
    recorder: index,
    clock: () => fleet.nowMs,
    random: createSeededRandom(options.seed ?? 1),
  });
  const fleet: TestFleet = {
    ledger,
    index,
    loads,
    dispatcher,
    nowMs: 1000,
    publish(workers) {
      version += 1;
      snapshot = createSnapshot({ version, publishedAtMs: fleet.nowMs, workers });
      return snapshot;
    },
    ask: (generation) => dispatcher.decide(dispatcher.gather(generation, snapshot)),
    place(generation) {
      const decision = fleet.ask(generation);
      if (decision.kind !== "place") {
        throw new Error(`nothing was chosen: ${decision.reason}`);
      }
      return { decision, settlement: dispatcher.settle(decision) };
    },
    visit(generation) {
      const { decision, settlement } = fleet.place(generation);
      settlement.release();
      return decision.legs[0]!.worker;
    },
  };
  fleet.publish(options.workers);
  return fleet;
}

/** How often each value occurs. */
export function countEach<TValue>(values: Iterable<TValue>): Map<TValue, number> {
  const counts = new Map<TValue, number>();
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}
