import {
  createSnapshot,
  type BreakerState,
  type Snapshot,
  type WorkerRole,
  type WorkerSlot,
  type WorkerView,
} from "@vllm-router/routing-core";
import type { RouterObserver } from "../observability/router-observer.ts";
import { RouterError } from "../router-error.ts";
import { coversLegs } from "./covers-legs.ts";
import type { FleetView } from "./fleet-view.ts";
import { laneOf, type Lane } from "./lane.ts";
import type { HealthThresholds } from "./health-judge.ts";
import { RegisteredWorker, type WorkerSettings } from "./registered-worker.ts";
import { standing } from "./standing.ts";
import { viewOfWorker } from "./view-of-worker.ts";
import type { CancelTimer } from "./timers.ts";
import type { WorkerConnector } from "./worker-connector.ts";
import type { LifeResources } from "./worker-life.ts";
import type { Worker } from "./worker.ts";
import type { WorkerReport } from "./worker-report.ts";

/** What a fleet works with. */
export interface FleetOptions extends LifeResources {
  readonly connector: WorkerConnector;
  readonly observer: RouterObserver;
  readonly thresholds: HealthThresholds;
  readonly settings: WorkerSettings;
  /** A snapshot was published. */
  readonly published?: ((version: number) => void) | undefined;
}

const EMPTY_SNAPSHOT: Snapshot = createSnapshot({ version: 0, publishedAtMs: 0, workers: [] });

/**
 * The slow half of the router: registers workers, probes them, and publishes immutable snapshots which request handling
 * reads. All background work of the router hangs on it and ends with it.
 */
export class Fleet implements FleetView, AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #registered = new Map<string, RegisteredWorker>();
  readonly #roles = new Map<string, WorkerRole>();
  /** Workers that were taken out and let their running requests end. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #readyListeners = new Set<() => void>();
  readonly #snapshots: Record<Lane, Snapshot> = { token: EMPTY_SNAPSHOT, proxy: EMPTY_SNAPSHOT };
  #version = 0;
  #cancelExpiry: CancelTimer | undefined;
  #isClosed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    options.breakers?.watch(() => this.#breakersChanged());
  }

  /**
   * Registers a worker by its URL, for whole generations or for one of their legs; it takes part as soon as it answers.
   * @returns false when the URL is registered already
   */
  register(url: string, role: WorkerRole = "any"): boolean {
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
      internalError: (error) => observer.internalError(`worker ${url}`, error),
    });
    this.#registered.set(url, registered);
    this.#roles.set(url, role);
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
    this.#roles.delete(url);
    this.#publish();
    this.#options.observer.workerChanged(url, "removed", "removed by request");
    await this.#leave(registered);
    return true;
  }

  snapshot(lane: Lane): Snapshot {
    return this.#snapshots[lane];
  }

  worker(id: string): Worker | undefined {
    return this.#registered.get(id)?.worker;
  }

  /** Engines that have answered. */
  workers(): readonly Worker[] {
    return [...this.#registered.values()].flatMap(({ worker }) => worker ?? []);
  }

  /** The worker whose first slot this is. */
  workerAt(slot: WorkerSlot): Worker | undefined {
    for (const { worker } of this.#registered.values()) {
      if (worker?.slot === slot) {
        return worker;
      }
    }
    return undefined;
  }

  /** What a registered worker is for; undefined for one that is not registered. */
  roleOf(url: string): WorkerRole | undefined {
    return this.#roles.get(url);
  }

  suspect(id: string): void {
    this.#registered.get(id)?.probeNow();
  }

  /** Every registered URL and how it stands. */
  reports(): readonly WorkerReport[] {
    return [...this.#registered.values()].map((registered) => {
      const { worker } = registered;
      return {
        id: registered.url,
        state: registered.state,
        detail: registered.detail,
        modelNames: worker?.modelNames ?? [],
        lane: worker === undefined ? undefined : laneOf(worker.connection.dialect),
        inFlight: registered.inFlight,
        breaker: worker === undefined ? "closed" : this.#breakerOf(worker),
        role: this.#roleOf(registered),
      };
    });
  }

  /** Workers that take requests. */
  readyCount(): number {
    let count = 0;
    for (const registered of this.#registered.values()) {
      count += registered.state === "ready" ? 1 : 0;
    }
    return count;
  }

  /** A worker is ready, and where generations are divided one for each leg. */
  isReady(): boolean {
    return coversLegs(
      Array.from(this.#registered.values(), (registered) => ({
        role: this.#roleOf(registered),
        isReady: registered.state === "ready",
      })),
    );
  }

  readinessProblem(): string {
    return standing(this.#registered.values(), (state) => state !== "ready");
  }

  /**
   * Resolves when the first worker is ready, one for each leg where generations are divided.
   * @throws RouterError `startup_timeout` after `timeoutMs`, saying how each worker stands
   */
  firstReady(timeoutMs: number): Promise<void> {
    if (this.isReady()) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const cancel = this.#options.timers.after(timeoutMs, () => {
        this.#readyListeners.delete(ready);
        reject(
          new RouterError(
            "startup_timeout",
            `no worker became ready within ${timeoutMs / 1000} s. ${standing(this.#registered.values(), () => true)}`,
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
    this.#isClosed = true;
    this.#cancelExpiry?.();
    const all = [...this.#registered.values()];
    this.#registered.clear();
    for (const registered of all) {
      void this.#leave(registered);
    }
    await Promise.all(this.#leaving);
  }

  #leave(registered: RegisteredWorker): Promise<void> {
    const left: Promise<void> = registered.close().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
    return left;
  }

  #breakersChanged(): void {
    if (!this.#isClosed) {
      this.#publish();
      this.#armExpiry();
    }
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
            // A timer may fire a moment before the clock says so.
            this.#armExpiry();
          });
  }

  #roleOf({ url }: RegisteredWorker): WorkerRole {
    return this.#roles.get(url) ?? "any";
  }

  #breakerOf(worker: Worker): BreakerState {
    return this.#options.breakers?.state(worker.slot) ?? "closed";
  }

  #publish(): void {
    this.#version += 1;
    const publishedAtMs = this.#options.timers.steadyMs();
    for (const lane of ["token", "proxy"] as const) {
      const workers = [...this.#registered.values()].flatMap((registered) => this.#view(registered, lane));
      this.#snapshots[lane] = createSnapshot({ version: this.#version, publishedAtMs, workers });
    }
    this.#options.published?.(this.#version);
    if (this.isReady()) {
      for (const listener of this.#readyListeners) {
        listener();
      }
    }
  }

  #view(registered: RegisteredWorker, lane: Lane): readonly WorkerView[] {
    const { worker } = registered;
    if (worker === undefined || laneOf(worker.connection.dialect) !== lane) {
      return [];
    }
    return [
      viewOfWorker(worker, {
        isHealthy: registered.state === "ready",
        breaker: this.#breakerOf(worker),
        role: this.#roleOf(registered),
      }),
    ];
  }
}
