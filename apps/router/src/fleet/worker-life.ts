import type { Ledger, WorkerSlots } from "@vllm-router/routing-core";
import type { ModelAdapter, ModelRuntime } from "../models/model-runtime.ts";
import type { Breakers } from "./breakers.ts";
import type { EngineWatch } from "./engine-watch.ts";
import type { Timers } from "./timers.ts";
import type { ConnectedWorker, WorkerFacts } from "./worker-connector.ts";
import type { Worker } from "./worker.ts";

/** What the life of a worker takes from the rest of the router, and gives back at its end. */
export interface LifeResources {
  readonly timers: Timers;
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly breakers: Breakers | undefined;
  /** Follows what an engine tells of itself while it lives; nothing does when missing. */
  readonly watch?: EngineWatch | undefined;
  /**
   * Builds (or finds) what the router must know of a worker's model; undefined for workers that do everything textual
   * themselves.
   */
  readonly adoptModel: (worker: ConnectedWorker) => Promise<ModelRuntime | undefined>;
  /** The worker has these adapters of its model, until the answer is disposed of. */
  readonly learnAdapters?: (base: ModelRuntime, adapters: readonly ModelAdapter[]) => Disposable;
  /** The worker no longer serves its model; `forget` when it was removed on purpose and does not come back. */
  readonly releaseModel: (runtime: ModelRuntime, forget: boolean, worker: ConnectedWorker) => void;
  /** A worker whose model was adopted is not in use any more: its connection is about to be closed. */
  readonly ended?: ((worker: ConnectedWorker) => void) | undefined;
}

/** How often a draining worker is looked at. */
const DRAIN_LOOK_MS = 50;

/**
 * One engine process behind a URL, from the moment it was connected until nothing of it is in use any more. An engine
 * that restarts begins another life: what its cache holds, its breaker and its model start afresh.
 */
export class WorkerLife {
  #connected: ConnectedWorker;
  #worker: Worker;
  readonly #resources: LifeResources;
  readonly #watch: Disposable | undefined;
  #hasModel: boolean;
  #adapters: Disposable | undefined;

  private constructor(connected: ConnectedWorker, worker: Worker, resources: LifeResources) {
    this.#connected = connected;
    this.#worker = worker;
    this.#resources = resources;
    this.#hasModel = worker.runtime !== undefined;
    this.#watch = resources.watch?.(worker, connected.facts);
    this.#learnAdapters(connected.facts);
  }

  /**
   * Begins a life: model adopted, slots reserved.
   * @throws RouterError of the model, RoutingError `slots_exhausted`; the connection is then still the caller's
   */
  static async begin(url: string, connected: ConnectedWorker, resources: LifeResources): Promise<WorkerLife> {
    const runtime = await resources.adoptModel(connected);
    const { ranks, cards } = connected.facts;
    try {
      const worker: Worker = {
        id: url,
        connection: connected.connection,
        slot: resources.slots.reserve(ranks),
        ranks,
        runtime,
        modelNames: namesOf(runtime, connected.facts),
        cards,
        kvIdentity: connected.facts.kvIdentity,
        constraintsAwait: connected.facts.constraintsAwait,
      };
      return new WorkerLife(connected, worker, resources);
    } catch (error) {
      if (runtime !== undefined) {
        resources.releaseModel(runtime, false, connected);
      }
      resources.ended?.(connected);
      throw error;
    }
  }

  get connected(): ConnectedWorker {
    return this.#connected;
  }

  get worker(): Worker {
    return this.#worker;
  }

  /** The engine serves other adapters than before. */
  takeAdapters(facts: WorkerFacts): void {
    const { cards } = facts;
    this.#connected = { ...this.#connected, facts };
    this.#worker = { ...this.#worker, modelNames: namesOf(this.#worker.runtime, facts), cards };
    this.#learnAdapters(facts);
  }

  #learnAdapters({ cards = [] }: WorkerFacts): void {
    const { runtime } = this.#worker;
    if (runtime === undefined || !this.#hasModel) {
      return;
    }
    const before = this.#adapters;
    const adapters = cards.flatMap(({ id, root, parent }) =>
      parent === undefined ? [] : [{ name: id, path: root, parent: runtime.servedNames[0] ?? parent }],
    );
    this.#adapters = this.#resources.learnAdapters?.(runtime, adapters);
    before?.[Symbol.dispose]();
  }

  /** Generations in flight on it. */
  get inFlight(): number {
    let requests = 0;
    for (let rank = 0; rank < this.worker.ranks; rank += 1) {
      requests += this.#resources.ledger.requests(this.worker.slot + rank);
    }
    return requests;
  }

  /** It no longer serves its model: another one may take its name. A second call does nothing. */
  leaveModel(forget: boolean): void {
    const { runtime } = this.worker;
    if (this.#hasModel && runtime !== undefined) {
      this.#hasModel = false;
      this.#adapters?.[Symbol.dispose]();
      this.#resources.releaseModel(runtime, forget, this.#connected);
    }
  }

  /** Lets running generations end for at most `drainTimeoutMs`, then gives everything back and closes the connection. */
  async end(options: { readonly drainTimeoutMs: number; readonly forget: boolean }): Promise<void> {
    this.leaveModel(options.forget);
    this.#watch?.[Symbol.dispose]();
    await this.#drained(options.drainTimeoutMs);
    this.#resources.breakers?.forget(this.worker.slot);
    this.#resources.slots.release(this.worker.slot);
    this.#resources.ended?.(this.#connected);
    await this.connected.connection.close();
  }

  #drained(timeoutMs: number): Promise<void> {
    const { timers } = this.#resources;
    const deadlineMs = timers.steadyMs() + timeoutMs;
    const isOver = (): boolean => this.inFlight === 0 || timers.steadyMs() >= deadlineMs;
    if (isOver()) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = timers.every(DRAIN_LOOK_MS, () => {
        if (isOver()) {
          cancel();
          resolve();
        }
      });
    });
  }
}

/** What a worker is asked for by: where the router knows its model, that model's names and those of its adapters. */
function namesOf(
  runtime: ModelRuntime | undefined,
  { modelNames, cards = [] }: WorkerFacts,
): readonly string[] {
  const adapters = cards.filter(({ parent }) => parent !== undefined).map(({ id }) => id);
  return runtime === undefined ? modelNames : [...new Set([...runtime.servedNames, ...adapters])];
}
