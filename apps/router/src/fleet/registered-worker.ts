import { EngineError } from "@vllm-router/engine-client";
import type { WorkerState } from "../observability/router-observer.ts";
import { RouterError } from "../router-error.ts";
import { HealthJudge, type HealthThresholds } from "./health-judge.ts";
import type { CancelTimer } from "./timers.ts";
import type { ConnectedWorker, WorkerConnector } from "./worker-connector.ts";
import { WorkerLife, type LifeResources } from "./worker-life.ts";
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
export interface RegisteredWorkerOptions extends LifeResources {
  readonly connector: WorkerConnector;
  readonly thresholds: HealthThresholds;
  readonly settings: WorkerSettings;
  /** The worker's state changed, or its detail did. */
  readonly changed: (state: WorkerState, detail: string) => void;
  /** A bug: something threw that never should. */
  readonly internalError: (error: unknown) => void;
}

/** First pause after a failed attempt; doubled each time up to a limit. */
const FIRST_PAUSE_MS = 100;
/** An engine that is not there, or is sick, is looked at this often at least: when it is back it should be used. */
const ABSENT_INTERVAL_MS = 1_000;

/**
 * One registered URL: reached for until an engine answers, then probed, until it is closed. Never gives up: an engine
 * that comes back is used again.
 */
export class RegisteredWorker {
  readonly url: string;
  readonly #options: RegisteredWorkerOptions;
  readonly #closing = new AbortController();
  /** Work that goes on in the background: one attempt or probe, and lives that are ending. */
  readonly #background = new Set<Promise<void>>();
  #life: WorkerLife | undefined;
  #judge: HealthJudge;
  #state: WorkerState = "starting";
  #detail = "";
  #cancelTimer: CancelTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  /** The engine's process is gone: when something answers again it is another one. */
  #lost = false;
  #isBusy = false;

  constructor(url: string, options: RegisteredWorkerOptions) {
    this.url = url;
    this.#options = options;
    this.#judge = new HealthJudge(options.thresholds);
  }

  /** The connected engine; undefined until one answered for the first time. */
  get worker(): Worker | undefined {
    return this.#life?.worker;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Why it is in its state, for people who run the router; empty when there is nothing to say. */
  get detail(): string {
    return this.#detail;
  }

  /** Generations in flight on it. */
  get inFlight(): number {
    return this.#life?.inFlight ?? 0;
  }

  /** Begins to reach for the engine. */
  start(): void {
    this.#options.changed(this.#state, this.#detail);
    this.#run(() => this.#connect());
  }

  /** Probes at once, unless a probe or an attempt to connect is running or none can help. */
  probeNow(): void {
    if (this.#life !== undefined && !this.#lost) {
      this.#run(() => this.#probe());
    }
  }

  /** Stops probing, lets running requests end, closes the connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelTimer?.();
    this.#endLife(true);
    while (this.#background.size > 0) {
      await Promise.all(this.#background);
    }
  }

  async #connect(): Promise<void> {
    const { connector } = this.#options;
    let connected: ConnectedWorker;
    try {
      connected = await connector.connect(this.url, this.#closing.signal);
    } catch (error) {
      this.#connectLater(error);
      return;
    }
    // Whatever answers now is another process: its model may replace the old one's.
    this.#life?.leaveModel(false);
    let life: WorkerLife;
    try {
      life = await WorkerLife.begin(this.url, connected, this.#options);
    } catch (error) {
      await connected.connection.close();
      this.#connectLater(error);
      return;
    }
    this.#endLife(false);
    this.#life = life;
    if (this.#closing.signal.aborted) {
      this.#endLife(true);
      return;
    }
    this.#lost = false;
    this.#judge = new HealthJudge(this.#options.thresholds);
    this.#pauseMs = FIRST_PAUSE_MS;
    const { dialect } = connected.connection.engine.capabilities;
    this.#become("ready", `${dialect}, ${life.worker.modelNames.join(", ") || "any model"}`);
    this.#schedule(this.#options.settings.checkIntervalMs);
  }

  #connectLater(error: unknown): void {
    if (this.#closing.signal.aborted) {
      return;
    }
    this.#become(this.#stateAfter(error), messageOf(error));
    const { startupIntervalMs } = this.#options.settings;
    // Asking whether somebody listens is cheap; asking an engine for its files again and again is not.
    const longestMs = isAbsent(error) ? Math.min(ABSENT_INTERVAL_MS, startupIntervalMs) : startupIntervalMs;
    const pauseMs = Math.min(this.#pauseMs, longestMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, startupIntervalMs);
    this.#cancelTimer = this.#options.timers.after(pauseMs, () => this.#run(() => this.#connect()));
  }

  #stateAfter(error: unknown): WorkerState {
    if (error instanceof RouterError && error.code === "model_conflict") {
      return "refused";
    }
    return this.#life === undefined ? "starting" : "unhealthy";
  }

  async #probe(): Promise<void> {
    const life = this.#life;
    if (life === undefined) {
      return;
    }
    this.#cancelTimer?.();
    let changed: boolean;
    let detail = "";
    try {
      const verdict = await this.#options.connector.probe(life.connected, this.#closing.signal);
      if (verdict === "replaced") {
        this.#loseEngine("another engine or model answers at this address");
        return;
      }
      detail = verdict === "not-serving" ? "the engine says that it is not serving" : "";
      changed = this.#judge.probed(verdict !== "not-serving");
      if (typeof verdict === "object" && !this.#closing.signal.aborted) {
        life.takeAdapters(verdict.facts);
        this.#become(this.#state, `serves ${verdict.facts.modelNames.join(", ")}`);
      }
    } catch (error) {
      if (isAbsent(error)) {
        // Nobody listens there: waiting for more failed probes would only fail more requests.
        this.#loseEngine(messageOf(error));
        return;
      }
      detail = messageOf(error);
      changed = this.#judge.probed(false);
    }
    if (this.#closing.signal.aborted) {
      return;
    }
    if (changed) {
      this.#become(
        this.#judge.healthy ? "ready" : "unhealthy",
        this.#judge.healthy ? "answers again" : detail,
      );
    }
    const { checkIntervalMs } = this.#options.settings;
    this.#schedule(this.#judge.healthy ? checkIntervalMs : Math.min(ABSENT_INTERVAL_MS, checkIntervalMs));
  }

  /** The process that was registered is gone; reaches for whatever comes in its place. */
  #loseEngine(detail: string): void {
    if (this.#closing.signal.aborted) {
      return;
    }
    this.#lost = true;
    this.#become("unhealthy", detail);
    this.#cancelTimer = this.#options.timers.after(FIRST_PAUSE_MS, () => this.#run(() => this.#connect()));
  }

  #endLife(forget: boolean): void {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) {
      this.#inBackground(life.end({ drainTimeoutMs: this.#options.settings.drainTimeoutMs, forget }));
    }
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer = this.#options.timers.after(delayMs, () => this.#run(() => this.#probe()));
  }

  /** Runs one attempt or probe; never two at a time. */
  #run(work: () => Promise<void>): void {
    if (this.#isBusy || this.#closing.signal.aborted) {
      return;
    }
    this.#isBusy = true;
    this.#inBackground(
      work().finally(() => {
        this.#isBusy = false;
      }),
    );
  }

  #inBackground(work: Promise<void>): void {
    const watched: Promise<void> = work
      .catch((error: unknown) => this.#options.internalError(error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  #become(state: WorkerState, detail: string): void {
    const isSame = this.#state === state && this.#detail === detail;
    this.#state = state;
    this.#detail = detail;
    if (!isSame) {
      this.#options.changed(state, detail);
    }
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof EngineError && error.code === "unavailable";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
