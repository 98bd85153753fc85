import type { EngineConnection } from "@vllm-router/engine-client";
import { createSnapshot, type BreakerState, type Ledger, type Snapshot } from "@vllm-router/routing-core";
import type { EngineDescription } from "@vllm-router/engine-client";
import type { EngineIdentity } from "../disaggregation/connector.ts";
import type { LearnedIdentities } from "../disaggregation/learned-identities.ts";
import type { Breakers } from "../fleet/breakers.ts";
import type { FleetView } from "../fleet/fleet-view.ts";
import type { WorkerReport } from "../fleet/worker-report.ts";
import type { Lane } from "../fleet/lane.ts";
import { coversLegs } from "../fleet/covers-legs.ts";
import { standing } from "../fleet/standing.ts";
import type { CancelTimer, Timers } from "../fleet/timers.ts";
import { viewOfWorker } from "../fleet/view-of-worker.ts";
import type { Worker } from "../fleet/worker.ts";
import type { WorkerFacts } from "../fleet/worker-connector.ts";
import type { ModelCatalog } from "../models/model-catalog.ts";
import type { ModelFiles } from "../models/model-files.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RoutingModels } from "../models/routing-models.ts";
import type { Adoption, LifeId, PublishedWorker, ToThread } from "./thread-messages.ts";

/** What a {@link FleetMirror} works with. */
export interface FleetMirrorOptions {
  readonly timers: Timers;
  readonly ledger: Ledger;
  /** This thread's own. */
  readonly breakers: Breakers | undefined;
  readonly models: ModelCatalog;
  readonly routingModels: RoutingModels;
  readonly learned: LearnedIdentities;
  readonly connect: (description: EngineDescription) => EngineConnection;
  readonly build: (facts: WorkerFacts) => Promise<ModelRuntime>;
  /** Asks the fleet's thread to probe a worker. */
  readonly suspect: (id: string) => void;
  /** A worker came, went or changed, as far as metrics of this thread go. */
  readonly workerChanged: (
    worker: Pick<PublishedWorker, "url" | "detail">,
    state: WorkerReport["state"],
  ) => void;
  readonly internalError: (error: unknown) => void;
}

interface Life {
  readonly connection: EngineConnection;
  readonly filesKey: number;
  readonly runtime: ModelRuntime | undefined;
  readonly learned: Disposable | undefined;
  readonly kvIdentity: WorkerFacts["kvIdentity"];
  readonly constraintsAwait: WorkerFacts["constraintsAwait"];
  hasModel: boolean;
}

const EMPTY_SNAPSHOT: Snapshot = createSnapshot({ version: 0, publishedAtMs: 0, workers: [] });
/** A worker is not suspected aloud more often than this: every failed attempt does. */
const SUSPECT_PAUSE_MS = 50;

/**
 * The fleet in a request thread: what the fleet's thread publishes, with connections and models of this thread's own.
 * Connects, builds and lets go in the order in which it is told.
 */
export class FleetMirror implements FleetView, AsyncDisposable {
  readonly #options: FleetMirrorOptions;
  readonly #lives = new Map<LifeId, Life>();
  readonly #lifeOf = new WeakMap<EngineConnection, LifeId>();
  readonly #files = new Map<number, { readonly files: ModelFiles; lives: number }>();
  readonly #suspectedAtMs = new Map<string, number>();
  #steps: Promise<void> = Promise.resolve();
  #published: readonly PublishedWorker[] = [];
  #workers = new Map<string, Worker>();
  #snapshots: Readonly<Record<Lane, Snapshot>> = { token: EMPTY_SNAPSHOT, proxy: EMPTY_SNAPSHOT };
  /** Grows with every snapshot of this thread's. */
  #version = 0;
  #publishedAtMs = 0;
  #cancelExpiry: CancelTimer | undefined;

  constructor(options: FleetMirrorOptions) {
    this.#options = options;
    options.breakers?.watch(() => {
      this.#publish();
      this.#armExpiry();
    });
  }

  /** Connects to an engine and makes its model. Rejects when that cannot be made. */
  adopt(adoption: Adoption): Promise<void> {
    const step = this.#steps.then(() => this.#adopt(adoption));
    this.#steps = step.catch(() => undefined);
    return step;
  }

  /** An engine does not serve its model any more. */
  leaveModel(id: LifeId, forget: boolean): void {
    this.#then(() => {
      const life = this.#lives.get(id);
      if (life !== undefined) {
        this.#leaveModel(life, forget);
      }
    });
  }

  /** Nobody uses an engine any more. */
  ended(id: LifeId): void {
    this.#then(async () => {
      const life = this.#lives.get(id);
      this.#lives.delete(id);
      if (life !== undefined) {
        this.#leaveModel(life, false);
        life.learned?.[Symbol.dispose]();
        this.#releaseFiles(life.filesKey);
        await life.connection.close();
      }
    });
  }

  /** The fleet's thread published the fleet. */
  apply(message: Extract<ToThread, { readonly kind: "fleet" }>): void {
    const before = new Map(this.#published.map((worker) => [worker.url, worker]));
    this.#published = message.workers;
    this.#publishedAtMs = message.publishedAtMs;
    this.#workers = new Map(message.workers.flatMap((worker) => this.#workerOf(worker)));
    this.#publish();
    for (const worker of message.workers) {
      if (before.get(worker.url)?.state !== worker.state) {
        this.#options.workerChanged(worker, worker.state);
      }
      before.delete(worker.url);
    }
    for (const gone of before.values()) {
      this.#suspectedAtMs.delete(gone.url);
      this.#options.workerChanged(gone, "removed");
    }
  }

  snapshot(lane: Lane): Snapshot {
    return this.#snapshots[lane];
  }

  worker(id: string): Worker | undefined {
    return this.#workers.get(id);
  }

  workers(): readonly Worker[] {
    return [...this.#workers.values()];
  }

  suspect(id: string): void {
    const nowMs = this.#options.timers.steadyMs();
    if (nowMs - (this.#suspectedAtMs.get(id) ?? -Infinity) >= SUSPECT_PAUSE_MS) {
      this.#suspectedAtMs.set(id, nowMs);
      this.#options.suspect(id);
    }
  }

  readinessProblem(): string {
    return standing(this.#published, (state) => state !== "ready");
  }

  readyCount(): number {
    return this.#published.filter(({ url, state }) => state === "ready" && this.#workers.has(url)).length;
  }

  isReady(): boolean {
    return coversLegs(
      this.#published.map(({ url, role, state }) => ({
        role,
        isReady: state === "ready" && this.#workers.has(url),
      })),
    );
  }

  /** Another thread heard from a prefill engine what its connector is known by, or that this is void. */
  setIdentity(id: LifeId, identity: EngineIdentity | undefined): void {
    this.#then(() => {
      const life = this.#lives.get(id);
      if (life !== undefined) {
        this.#options.learned.set(life.connection, identity);
      }
    });
  }

  /** Which life a connection stands for. */
  lifeOf(connection: EngineConnection): LifeId | undefined {
    return this.#lifeOf.get(connection);
  }

  reports(): readonly WorkerReport[] {
    return this.#published.map(({ url, state, detail, role, engine }) => ({
      id: url,
      state,
      detail,
      modelNames: engine?.modelNames ?? [],
      lane: engine?.lane,
      inFlight: this.#inFlight(engine),
      role,
      breaker: engine === undefined ? "closed" : this.#breakerOf(engine.slot),
    }));
  }

  /** Gives all connections up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelExpiry?.();
    for (const id of this.#lives.keys()) {
      this.ended(id);
    }
    await this.#steps;
  }

  async #adopt({ life: id, description, facts: others, filesKey, files }: Adoption): Promise<void> {
    const { connect, build, models, routingModels } = this.#options;
    const held = files === undefined ? this.#files.get(filesKey) : { files, lives: 0 };
    if (held === undefined) {
      throw new Error(`files ${filesKey} have not been told`);
    }
    held.lives += 1;
    this.#files.set(filesKey, held);
    const facts: WorkerFacts = { ...others, files: held.files };
    const connection = connect(description);
    const isProxied = connection.dialect === "http";
    const { kvIdentity, constraintsAwait } = facts;
    const life: Life = {
      connection,
      filesKey,
      kvIdentity,
      constraintsAwait,
      runtime: undefined,
      learned: undefined,
      hasModel: false,
    };
    // In the list also when the model fails: it is ended like the others.
    this.#lives.set(id, life);
    this.#lifeOf.set(connection, id);
    const runtime = isProxied ? undefined : models.adopt(await build(facts));
    this.#lives.set(id, {
      ...life,
      runtime,
      learned: isProxied ? routingModels.learn(facts) : undefined,
      hasModel: runtime !== undefined,
    });
  }

  #leaveModel(life: Life, forget: boolean): void {
    if (life.hasModel && life.runtime !== undefined) {
      life.hasModel = false;
      this.#options.models.release(life.runtime, forget);
    }
  }

  #releaseFiles(key: number): void {
    const held = this.#files.get(key);
    if (held !== undefined) {
      held.lives -= 1;
      if (held.lives === 0) {
        this.#files.delete(key);
      }
    }
  }

  #then(step: () => void | Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error: unknown) => this.#options.internalError(error));
  }

  #workerOf({ url, engine }: PublishedWorker): readonly (readonly [string, Worker])[] {
    const life = engine === undefined ? undefined : this.#lives.get(engine.life);
    if (engine === undefined || life === undefined) {
      return [];
    }
    const { slot, ranks, modelNames, cards } = engine;
    const { connection, runtime, kvIdentity, constraintsAwait } = life;
    const known = { id: url, connection, slot, ranks, runtime, modelNames, cards };
    return [[url, { ...known, kvIdentity, constraintsAwait }]];
  }

  #inFlight(engine: PublishedWorker["engine"]): number {
    let requests = 0;
    for (let rank = 0; engine !== undefined && rank < engine.ranks; rank += 1) {
      requests += this.#options.ledger.requests(engine.slot + rank);
    }
    return requests;
  }

  #breakerOf(slot: number): BreakerState {
    return this.#options.breakers?.state(slot) ?? "closed";
  }

  #publish(): void {
    this.#version += 1;
    const snapshotOf = (lane: Lane): Snapshot =>
      createSnapshot({
        version: this.#version,
        publishedAtMs: this.#publishedAtMs,
        workers: this.#published.flatMap(({ url, state, role, engine }) => {
          const worker = engine?.lane === lane ? this.#workers.get(url) : undefined;
          return worker === undefined
            ? []
            : [
                viewOfWorker(worker, {
                  isHealthy: state === "ready",
                  breaker: this.#breakerOf(worker.slot),
                  role,
                }),
              ];
        }),
      });
    this.#snapshots = { token: snapshotOf("token"), proxy: snapshotOf("proxy") };
  }

  /** Open breakers go half open by the clock, also when no request comes to ask. */
  #armExpiry(): void {
    this.#cancelExpiry?.();
    const { breakers, timers } = this.#options;
    const delayMs = breakers?.nextExpiryInMs() ?? Infinity;
    this.#cancelExpiry =
      delayMs === Infinity
        ? undefined
        : timers.after(delayMs, () => {
            breakers?.expire();
            this.#armExpiry();
          });
  }
}
