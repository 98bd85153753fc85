import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { createDeferred } from "./deferred.ts";
import type { Guard } from "./guard.ts";
import { LauncherError } from "./launcher-error.ts";
import type { LauncherObserver, ProcessExit } from "./launcher-observer.ts";
import { createLineReader } from "./line-reader.ts";
import { endFamily, MARK_VARIABLE, sendSignal, type Family } from "./process-family.ts";
import type { ProcessSpec } from "./process-spec.ts";
import { nextProcessState, type ProcessEvent, type ProcessState } from "./process-state.ts";
import { createProber } from "./readiness.ts";

const LEFTOVER_GRACE_MS = 5_000;
const OUTPUT_END_MS = 500;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
const DEFAULT_KEPT_LINES = 40;

/** A process under supervision. */
export interface SupervisedProcess {
  readonly name: string;
  readonly state: ProcessState;
  readonly pid: number | undefined;
  /** Resolves at the first good answer; rejects with LauncherError exited_early, not_ready_in_time or stopped. */
  readonly ready: Promise<void>;
  /** Resolves when it ended for good; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** The last lines of its output, oldest first. */
  lastLines(): readonly string[];
  /**
   * SIGTERM, then SIGKILL after the grace (milliseconds); resolves when it and all it started are gone.
   * A second call with a shorter grace wins; 0 kills at once.
   */
  stop(graceMs: number): Promise<ProcessExit>;
}

/** What a supervised process needs from its launcher. */
export interface SupervisionContext {
  readonly observer: LauncherObserver;
  readonly guard: Guard | undefined;
}

/**
 * Starts a process in a session of its own.
 * @throws LauncherError program_missing, spawn_failed
 */
export async function startProcess(
  spec: ProcessSpec,
  context: SupervisionContext,
): Promise<SupervisedProcess> {
  const supervised = new Supervised(spec, context);
  await supervised.spawn();
  return supervised;
}

class Supervised implements SupervisedProcess {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  state: ProcessState = "starting";
  readonly #spec: ProcessSpec;
  readonly #context: SupervisionContext;
  readonly #ready = createDeferred<void>();
  readonly #exited = createDeferred<ProcessExit>();
  readonly #gone = createDeferred<void>();
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #family: Family = { leader: undefined, mark: "" };
  #probing: AbortController | undefined;
  #restarts = 0;
  readonly #forceKill = new AbortController();

  constructor(spec: ProcessSpec, context: SupervisionContext) {
    this.#spec = spec;
    this.#context = context;
    this.name = spec.name;
    this.ready = this.#ready.promise;
    this.exited = this.#exited.promise;
    // Who does not wait for readiness hears of the end by `exited`.
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  lastLines(): readonly string[] {
    return [...this.#lines];
  }

  async spawn(): Promise<void> {
    const mark = randomUUID();
    this.#family = { leader: undefined, mark };
    // The guard learns of the mark first: should this process die now, the child is found by it.
    this.#context.guard?.watch(this.#family);
    const child = spawn(this.#spec.command, this.#spec.args, {
      cwd: this.#spec.workingDirectory,
      env: { ...this.#spec.environment, [MARK_VARIABLE]: mark },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    try {
      await once(child, "spawn");
    } catch (cause) {
      this.#context.guard?.unwatch(this.#family);
      throw spawnFailure(this.#spec, cause);
    }
    this.#family = { leader: child.pid, mark };
    this.#context.guard?.watch(this.#family);
    this.#read(child, "stdout");
    this.#read(child, "stderr");
    child.once("exit", (code, signal) => {
      void this.#onExit(child, code, signal);
    });
    // A restart was announced when the state changed.
    if (this.#restarts === 0) this.#context.observer.stateChanged?.(this.name, this.state);
    void this.#probe();
  }

  stop(graceMs: number): Promise<ProcessExit> {
    const wasWaiting = this.state === "backoff";
    this.#move("told-to-stop");
    this.#probing?.abort();
    this.#ready.reject(new LauncherError("stopped", `${this.name} was stopped`));
    if (wasWaiting) this.#finish({ code: null, signal: null, asked: true, lastLines: this.#lines });
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      if (graceMs > 0) sendSignal(child.pid, "SIGTERM");
      void this.#killAfter(child.pid, graceMs);
    }
    if (graceMs === 0) this.#forceKill.abort();
    return this.#gone.promise.then(() => this.exited);
  }

  async #killAfter(pid: number, graceMs: number): Promise<void> {
    const timer = new AbortController();
    const waited = graceMs === 0 ? Promise.resolve("time") : pause(graceMs, timer.signal);
    const result = await Promise.race([waited, this.exited.then(() => "ended")]);
    timer.abort();
    if (result === "time") sendSignal(pid, "SIGKILL");
  }

  #read(child: ChildProcess, stream: "stdout" | "stderr"): void {
    const reader = createLineReader((line) => {
      this.#lines.push(line);
      if (this.#lines.length > (this.#spec.keptLines ?? DEFAULT_KEPT_LINES)) this.#lines.shift();
      this.#context.observer.line?.(this.name, stream, line);
    });
    child[stream]?.setEncoding("utf8");
    child[stream]?.on("data", (text: string) => {
      reader.push(text);
    });
    child[stream]?.once("close", () => {
      reader.end();
    });
  }

  async #probe(): Promise<void> {
    const probing = new AbortController();
    this.#probing = probing;
    await Promise.race([this.#spec.probeAfter, this.exited]);
    using prober = createProber(this.#spec.probe);
    const startedAtMs = performance.now();
    const limitMs = this.#spec.readyTimeoutMs ?? Number.POSITIVE_INFINITY;
    let pauseMs = FIRST_PAUSE_MS;
    while (!probing.signal.aborted) {
      const isReady = await prober.ask();
      if (probing.signal.aborted) return;
      if (isReady) {
        this.#restarts = 0;
        this.#move("answered");
        this.#ready.resolve();
        return;
      }
      if (performance.now() - startedAtMs > limitMs) {
        const message = `${this.name} was not ready within ${limitMs / 1000} s`;
        this.#ready.reject(new LauncherError("not_ready_in_time", message));
        return;
      }
      await pause(pauseMs, probing.signal);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5);
    }
  }

  async #onExit(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.#probing?.abort();
    const asked = this.state === "stopping";
    const swept = this.#sweep();
    // What it wrote last is still in the pipes; descendants may hold them open, so the wait is bounded.
    const closed = child.stdout?.closed === true && child.stderr?.closed === true;
    if (!closed) await Promise.race([once(child, "close"), delay(OUTPUT_END_MS)]);
    const exit: ProcessExit = { code, signal, asked, lastLines: this.lastLines() };
    const restartInMs = asked ? undefined : this.#restartDelay();
    this.#context.observer.exited?.(this.name, exit, restartInMs);
    if (restartInMs === undefined) {
      this.#finish(exit);
      await swept;
      this.#gone.resolve();
      return;
    }
    this.#move("ended-will-restart");
    await Promise.all([swept, delay(restartInMs)]);
    if (!this.#move("restarted")) {
      this.#gone.resolve();
      return;
    }
    await this.spawn().catch(() => {
      this.#finish(exit);
      this.#gone.resolve();
    });
  }

  #restartDelay(): number | undefined {
    const policy = this.#spec.restart;
    if (policy === undefined || this.#restarts >= policy.maxRestarts) return undefined;
    return policy.backoffMs * 2 ** this.#restarts++;
  }

  #finish(exit: ProcessExit): void {
    this.#move("ended");
    const message = `${this.name} ended before it was ready (${describeExit(exit)})`;
    this.#ready.reject(new LauncherError("exited_early", message));
    this.#exited.resolve(exit);
  }

  /** Ends what the process left behind. */
  async #sweep(): Promise<void> {
    const family = this.#family;
    const found = await endFamily(family, LEFTOVER_GRACE_MS, this.#forceKill.signal);
    this.#context.guard?.unwatch(family);
    if (found > 0) this.#context.observer.sweptLeftovers?.(this.name, found);
  }

  /** Whether the event meant something. */
  #move(event: ProcessEvent): boolean {
    const next = nextProcessState(this.state, event);
    if (next === undefined) return false;
    this.state = next;
    this.#context.observer.stateChanged?.(this.name, next);
    return true;
  }
}

/** `exit code 1`, `killed by SIGKILL`. */
export function describeExit(exit: Pick<ProcessExit, "code" | "signal">): string {
  if (exit.signal !== null) return `killed by ${exit.signal}`;
  return exit.code === null ? "never ran" : `exit code ${exit.code}`;
}

function spawnFailure(spec: ProcessSpec, cause: unknown): LauncherError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") {
    const message = `${spec.name}: the program ${spec.command} was not found`;
    return new LauncherError("program_missing", message, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `${spec.name}: ${spec.command} could not be started: ${reason}`;
  return new LauncherError("spawn_failed", message, { cause });
}

/** Resolves with "time" after the pause, or with "aborted". */
async function pause(durationMs: number, signal: AbortSignal): Promise<"time" | "aborted"> {
  try {
    await delay(durationMs, undefined, { signal });
    return "time";
  } catch {
    return "aborted";
  }
}
