import {
  createSnapshot,
  createWorkerView,
  type Ledger,
  type PrefixIndex,
  type Snapshot,
  type WorkerSlot,
  type WorkerSlots,
  type WorkerView,
} from "@vllm-router/routing-core";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RouterObserver, WorkerState } from "../observability/router-observer.ts";
import { RouterError } from "../router-error.ts";
import { laneOf, type Lane, type PlacerFleet } from "./fleet-placer.ts";
import type { HealthThresholds } from "./health-judge.ts";
import { RegisteredWorker, type WorkerSettings } from "./registered-worker.ts";
import type { Timers } from "./timers.ts";
import type { ConnectedWorker, WorkerConnector } from "./worker-connector.ts";
import type { Worker } from "./worker.ts";

/** What a fleet works with. */
export interface FleetOptions {
  readonly connector: WorkerConnector;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  /** Builds (or finds) what the router must know of a worker's model; undefined for workers that do everything textual themselves. */
  readonly adoptModel: (worker: ConnectedWorker) => Promise<ModelRuntime | undefined>;
  readonly thresholds: HealthThresholds;
  readonly settings: WorkerSettings;
}

/** One registered URL as the admin interface shows it. */
export interface WorkerReport {
  readonly id: string;
  readonly state: WorkerState;
  readonly detail: string;
  readonly modelNames: readonly string[];
  readonly lane: Lane | undefined;
  readonly inFlight: number;
}

const EMPTY_SNAPSHOT: Snapshot = createSnapshot({ version: 0, publishedAtMs: 0, workers: [] });

/**
 * The slow half of the router: registers workers, probes them, and publishes immutable snapshots which request handling
 * reads. All background work of the router hangs on it and ends with it.
 */
export class Fleet implements PlacerFleet, AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #registered = new Map<string, RegisteredWorker>();
  readonly #readyListeners = new Set<() => void>();
  readonly #snapshots: Record<Lane, Snapshot> = { token: EMPTY_SNAPSHOT, proxy: EMPTY_SNAPSHOT };
  #version = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /**
   * Registers a worker by its URL; it takes part as soon as it answers.
   * @returns false when the URL is registered already
   */
  register(url: string): boolean {
    if (this.#registered.has(url)) {
      return false;
    }
    const { observer } = this.#options;
    const registered = new RegisteredWorker(url, {
      ...this.#options,
      changed: (state, detail) => {
        observer.workerChanged(url, state, detail);
        this.#publish();
      },
    });
    this.#registered.set(url, registered);
    registered.start();
    return true;
  }

  /**
   * Takes a worker out: no new requests, running ones end on it, then the connection is closed.
   * @returns false when no such worker is registered
   */
  async remove(url: string): Promise<boolean> {
    const registered = this.#registered.get(url);
    if (registered === undefined) {
      return false;
    }
    this.#registered.delete(url);
    this.#publish();
    this.#options.observer.workerChanged(url, "removed", "removed by request");
    await registered.close();
    return true;
  }

  snapshot(lane: Lane): Snapshot {
    return this.#snapshots[lane];
  }

  worker(id: string): Worker | undefined {
    return this.#registered.get(id)?.worker;
  }

  /** The worker one of whose slots this is. */
  workerAt(slot: WorkerSlot): Worker | undefined {
    for (const { worker } of this.#registered.values()) {
      if (worker !== undefined && slot >= worker.slot && slot < worker.slot + worker.ranks) {
        return worker;
      }
    }
    return undefined;
  }

  suspect(id: string): void {
    this.#registered.get(id)?.probeNow();
  }

  /** Every registered URL and how it stands. */
  reports(): readonly WorkerReport[] {
    return [...this.#registered.values()].map((registered) => ({
      id: registered.url,
      state: registered.state,
      detail: registered.detail,
      modelNames: registered.worker?.modelNames ?? [],
      lane:
        registered.worker === undefined
          ? undefined
          : laneOf(registered.worker.connection.engine.capabilities.dialect),
      inFlight: this.#inFlight(registered.worker),
    }));
  }

  /** Workers that take requests. */
  readyCount(): number {
    return [...this.#registered.values()].filter((registered) => registered.state === "ready").length;
  }

  readinessProblem(): string {
    const waiting = [...this.#registered.values()].filter((registered) => registered.state !== "ready");
    return waiting
      .map(
        (registered) =>
          `${registered.url} is ${registered.state}${registered.detail === "" ? "" : `: ${registered.detail}`}.`,
      )
      .join(" ");
  }

  /**
   * Resolves when the first worker is ready.
   * @throws RouterError `startup_timeout` after `timeoutMs`, saying how each worker stands
   */
  firstReady(timeoutMs: number): Promise<void> {
    if (this.readyCount() > 0) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const cancel = this.#options.timers.after(timeoutMs, () => {
        this.#readyListeners.delete(ready);
        reject(
          new RouterError(
            "startup_timeout",
            `no worker became ready within ${timeoutMs / 1000} s. ${this.readinessProblem()}`,
          ),
        );
      });
      const ready = (): void => {
        cancel();
        this.#readyListeners.delete(ready);
        resolve();
      };
      this.#readyListeners.add(ready);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#registered.values()];
    this.#registered.clear();
    await Promise.all(all.map((registered) => registered.close()));
  }

  #inFlight(worker: Worker | undefined): number {
    if (worker === undefined) {
      return 0;
    }
    let requests = 0;
    for (let rank = 0; rank < worker.ranks; rank += 1) {
      requests += this.#options.ledger.requests(worker.slot + rank);
    }
    return requests;
  }

  #publish(): void {
    this.#version += 1;
    for (const lane of ["token", "proxy"] as const) {
      const workers = [...this.#registered.values()].flatMap((registered) => this.#view(registered, lane));
      this.#snapshots[lane] = createSnapshot({
        version: this.#version,
        publishedAtMs: this.#options.timers.now(),
        workers,
      });
    }
    if (this.readyCount() > 0) {
      for (const listener of this.#readyListeners) {
        listener();
      }
    }
  }

  #view(registered: RegisteredWorker, lane: Lane): readonly WorkerView[] {
    const { worker } = registered;
    if (worker === undefined || laneOf(worker.connection.engine.capabilities.dialect) !== lane) {
      return [];
    }
    return [
      createWorkerView({
        slot: worker.slot,
        id: worker.id,
        models: worker.modelNames,
        ranks: worker.ranks,
        isHealthy: registered.state === "ready",
        unsupportedFields: worker.connection.engine.capabilities.unsupportedFields,
        loads: worker.loads,
      }),
    ];
  }
}
