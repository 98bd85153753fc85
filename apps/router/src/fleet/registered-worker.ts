import { EngineError } from "@vllm-router/engine-client";
import type { Ledger, PrefixIndex, WorkerSlots } from "@vllm-router/routing-core";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { WorkerState } from "../observability/router-observer.ts";
import { RouterError } from "../router-error.ts";
import { HealthJudge, type HealthThresholds } from "./health-judge.ts";
import type { CancelTimer, Timers } from "./timers.ts";
import type { ConnectedWorker, WorkerConnector } from "./worker-connector.ts";
import type { Worker } from "./worker.ts";

/** Times of one worker's life, milliseconds. */
export interface WorkerSettings {
  /** Pause between two probes of a healthy worker. */
  readonly checkIntervalMs: number;
  /** Longest pause between two attempts to reach a worker that is not up. */
  readonly startupIntervalMs: number;
  /** Longest time running requests may take after a removal. */
  readonly drainTimeoutMs: number;
}

/** What a registered worker works with. */
export interface RegisteredWorkerOptions {
  readonly connector: WorkerConnector;
  readonly timers: Timers;
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  readonly adoptModel: (worker: ConnectedWorker) => Promise<ModelRuntime | undefined>;
  readonly thresholds: HealthThresholds;
  readonly settings: WorkerSettings;
  /** The worker's state changed, or its detail did. */
  readonly changed: (state: WorkerState, detail: string) => void;
}

/** First pause after a failed attempt; doubled each time up to the setting. */
const FIRST_PAUSE_MS = 100;
/** While a worker is unhealthy it is probed this often at least: an engine that is back should be used. */
const UNHEALTHY_INTERVAL_MS = 1_000;
/** How often a draining worker is looked at. */
const DRAIN_LOOK_MS = 50;

/**
 * The life of one registered URL: reached for until it answers, then probed, until it is closed. Never gives up: an engine
 * that comes back is used again, with a fresh view of what its cache holds.
 */
export class RegisteredWorker {
  readonly url: string;
  readonly #options: RegisteredWorkerOptions;
  #connected: ConnectedWorker | undefined;
  #worker: Worker | undefined;
  #state: WorkerState = "starting";
  #detail = "";
  #cancelTimer: CancelTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #probing = false;
  #closed = false;

  constructor(url: string, options: RegisteredWorkerOptions) {
    this.url = url;
    this.#options = options;
  }

  /** The connected engine; undefined until it answered for the first time. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Why it is in its state, for people; empty when there is nothing to say. */
  get detail(): string {
    return this.#detail;
  }

  /** Begins to reach for the engine. */
  start(): void {
    this.#options.changed(this.#state, this.#detail);
    void this.#connect();
  }

  /** Probes at once, unless a probe is running. */
  probeNow(): void {
    if (this.#worker !== undefined && !this.#probing && !this.#closed) {
      this.#cancelTimer?.();
      void this.#probe();
    }
  }

  /** Stops probing, lets running requests end, closes the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    const worker = this.#worker;
    if (worker === undefined) {
      return;
    }
    await this.#drained(worker);
    this.#options.slots.release(worker.slot);
    await worker.connection.close();
  }

  async #connect(): Promise<void> {
    const { connector, adoptModel, slots, thresholds } = this.#options;
    let connected: ConnectedWorker;
    try {
      connected = await connector.connect(this.url);
    } catch (error) {
      this.#later("starting", messageOf(error));
      return;
    }
    try {
      const runtime = await adoptModel(connected);
      if (this.#closed) {
        await connected.connection.close();
        return;
      }
      const { ranks, modelNames } = connected.facts;
      this.#connected = connected;
      this.#worker = {
        id: this.url,
        connection: connected.connection,
        slot: slots.reserve(ranks),
        ranks,
        runtime,
        modelNames: runtime?.servedNames ?? modelNames,
        judge: new HealthJudge(thresholds),
        loads: [],
      };
    } catch (error) {
      await connected.connection.close();
      this.#later(
        error instanceof RouterError && error.code === "model_conflict" ? "refused" : "starting",
        messageOf(error),
      );
      return;
    }
    this.#become(
      "ready",
      `${connected.connection.engine.capabilities.dialect}, ${this.#worker.modelNames.join(", ") || "any model"}`,
    );
    this.#schedule(this.#options.settings.checkIntervalMs);
  }

  #later(state: WorkerState, detail: string): void {
    if (this.#closed) {
      return;
    }
    this.#become(state, detail);
    this.#cancelTimer = this.#options.timers.after(this.#pauseMs, () => void this.#connect());
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#options.settings.startupIntervalMs);
  }

  async #probe(): Promise<void> {
    const worker = this.#worker;
    const connected = this.#connected;
    if (worker === undefined || connected === undefined) {
      return;
    }
    this.#probing = true;
    let changed: boolean;
    let detail = "";
    try {
      const good = await this.#options.connector.probe(connected);
      detail = good ? "" : "the engine says that it is not serving";
      changed = worker.judge.probed(good);
    } catch (error) {
      detail = messageOf(error);
      // Nobody listens there: waiting for more failed probes would only fail more requests.
      const refused = error instanceof EngineError && error.code === "unavailable";
      changed = refused ? worker.judge.unreachable() : worker.judge.probed(false);
    } finally {
      this.#probing = false;
    }
    if (this.#closed) {
      return;
    }
    if (changed) {
      this.#verdictChanged(worker, detail);
    }
    const { checkIntervalMs } = this.#options.settings;
    this.#schedule(worker.judge.healthy ? checkIntervalMs : Math.min(UNHEALTHY_INTERVAL_MS, checkIntervalMs));
  }

  #verdictChanged(worker: Worker, detail: string): void {
    if (worker.judge.healthy) {
      // It may be another process with an empty cache: what was believed about it is not true any more.
      for (let rank = 0; rank < worker.ranks; rank += 1) {
        this.#options.index.clear(worker.slot + rank);
      }
      this.#become("ready", "answers again");
    } else {
      this.#become("unhealthy", detail);
    }
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer = this.#options.timers.after(delayMs, () => void this.#probe());
  }

  #become(state: WorkerState, detail: string): void {
    const same = this.#state === state && this.#detail === detail;
    this.#state = state;
    this.#detail = detail;
    if (!same) {
      this.#options.changed(state, detail);
    }
  }

  #drained(worker: Worker): Promise<void> {
    const { ledger, timers, settings } = this.#options;
    const deadlineAtMs = timers.now() + settings.drainTimeoutMs;
    const idle = (): boolean => {
      for (let rank = 0; rank < worker.ranks; rank += 1) {
        if (!ledger.isIdle(worker.slot + rank)) {
          return timers.now() >= deadlineAtMs;
        }
      }
      return true;
    };
    if (idle()) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = timers.every(DRAIN_LOOK_MS, () => {
        if (idle()) {
          cancel();
          resolve();
        }
      });
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
