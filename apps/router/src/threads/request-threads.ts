import type { Logger } from "pino";
import type { RouterConfig } from "@vllm-router/config";
import type { EngineAdapters, WorkerSlot } from "@vllm-router/routing-core";
import { responseStore } from "../create-services.ts";
import type { Decisions } from "../decisions/create-decisions.ts";
import type { FleetView } from "../fleet/fleet-view.ts";
import { absentPolicy } from "../fleet/own-policy/open-policy-file.ts";
import { legPolicies, policyParameters } from "../fleet/routing-settings.ts";
import type { Routing } from "../fleet/routing.ts";
import type { Timers } from "../fleet/timers.ts";
import type { ConnectedWorker } from "../fleet/worker-connector.ts";
import type { PrintedMetric } from "../observability/metric-cells.ts";
import type { Metrics } from "../observability/metrics.ts";
import { RouterError } from "../router-error.ts";
import { AwaitedAnswers } from "./awaited-answers.ts";
import { BreakerSummary } from "./breaker-summary.ts";
import { publishedWorkers } from "./published-workers.ts";
import { PlacementPump } from "./placement-pump.ts";
import { SharedDoors } from "./shared-doors.ts";
import { allocateSharedMemory, type SharedMemory } from "./shared-memory.ts";
import { ThreadEcho } from "./thread-echo.ts";
import { ThreadHandle } from "./thread-handle.ts";
import { ThreadKnowledge } from "./thread-knowledge.ts";
import { ThreadDeaths } from "./thread-deaths.ts";
import { ThreadMetrics } from "./thread-metrics.ts";
import { ThreadServices } from "./thread-services.ts";
import { errorOf, problemOf } from "./thread-problem.ts";
import { writeLines } from "./write-lines.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";

/** What request threads are given to tell of, when the rest of the router has been made. */
export interface ThreadedParts {
  readonly fleet: FleetView;
  readonly routing: Routing;
  readonly metrics: Metrics;
  readonly decisions: Pick<Decisions, "journal" | "observer">;
}

/** A request thread, for those who want to see what happens when it dies. */
export interface StartedThread {
  readonly thread: number;
  terminate(): Promise<void>;
}

/** What {@link RequestThreads} works with. */
export interface RequestThreadsOptions {
  readonly config: RouterConfig;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Hears of every thread that is started. */
  readonly started?: ((thread: StartedThread) => void) | undefined;
  /** Threads die again and again: nothing can be served. */
  readonly givenUp: (error: RouterError) => void;
}

/** Beyond its drain a thread may take so long to end. */
const END_TIMEOUT_MS = 5_000;

/**
 * The request threads of `--threads`, seen from the thread that runs the fleet: starts them, tells them of the fleet, brings
 * what they send into the shared state, answers what only this thread knows, and replaces one that dies.
 */
export class RequestThreads {
  readonly memory: SharedMemory;
  readonly breakers: BreakerSummary;
  readonly doors: SharedDoors;
  readonly #options: RequestThreadsOptions;
  readonly #threads: ThreadHandle[] = [];
  readonly #knowledge = new ThreadKnowledge();
  readonly #answers: AwaitedAnswers;
  readonly #metrics: ThreadMetrics;
  readonly #echo: ThreadEcho;
  readonly #deaths = new ThreadDeaths();
  #parts: ThreadedParts | undefined;
  #pump: PlacementPump | undefined;
  #services: ThreadServices | undefined;
  #fleetMessage: ToThread | undefined;
  #version = 0;
  #port: number | undefined;
  #isClosing = false;

  constructor(options: RequestThreadsOptions) {
    const { config } = options;
    this.#options = options;
    this.#answers = new AwaitedAnswers(options.timers);
    this.#metrics = new ThreadMetrics(this.#answers);
    this.#echo = new ThreadEcho(this.#answers, this.#threads);
    this.memory = allocateSharedMemory(config.server.threads, {
      policy: config.routing.policy,
      parameters: policyParameters(config),
      legs: legPolicies(config),
      decider: absentPolicy(config),
    });
    this.doors = new SharedDoors(this.memory.doors);
    this.breakers = new BreakerSummary((slot) => this.#tellAll({ kind: "breaker-forget", slot }));
  }

  /** Starts the threads, which listen one after the other: the first one takes the port. @throws RouterError as a listener does */
  async start(parts: ThreadedParts): Promise<{ readonly url: string }> {
    this.#parts = parts;
    this.#services = new ThreadServices({
      ...parts,
      threads: this.memory.threads,
      metricsText: () => this.metricsText(),
      responses: responseStore(this.#options.config.frontend),
      tell: (message, thread) =>
        thread === undefined ? this.#tellAll(message) : this.#threads[thread]?.tell(message),
      echo: (thread) => this.#echo.of(thread),
    });
    this.#pump = new PlacementPump(this.memory.rings, parts.routing.caches, this.#options.timers);
    const starting = Array.from({ length: this.memory.threads }, (_, thread) => this.#start(thread));
    let url = "";
    for (const [thread, handle] of (await Promise.all(starting)).entries()) {
      const listening = await this.#serve(handle);
      url = thread === 0 ? listening.url : url;
      this.#port = listening.port;
    }
    return { url };
  }

  /** Connects every thread to an engine. @throws RouterError when one of them cannot make its model */
  async adopt(worker: ConnectedWorker): Promise<void> {
    const adoption = this.#knowledge.adoptions.add(worker);
    const answers = await Promise.all(
      this.#threads.map((handle) => {
        const answer = this.#answers.heard(handle.thread, `adopted ${adoption.life}`);
        handle.tell({ kind: "adopt", adoption });
        return answer;
      }),
    );
    for (const answer of answers) {
      if (answer?.kind === "adopted" && answer.problem !== undefined) {
        this.ended(worker);
        throw errorOf(answer.problem);
      }
    }
  }

  /** The adapters that an engine reports are others than before. */
  readonly adaptersChanged = (slot: WorkerSlot, adapters: EngineAdapters | undefined): void => {
    this.#knowledge.setAdapters(slot, adapters);
    this.#tellAll({ kind: "adapters", slot, adapters });
  };

  /** An engine does not serve its model any more. */
  leaveModel({ connection }: ConnectedWorker, forget: boolean): void {
    const life = this.#knowledge.adoptions.lifeOf(connection);
    if (life !== undefined) {
      this.#tellAll({ kind: "leave-model", life, forget });
    }
  }

  /** Nothing of an engine is in use any more. */
  ended({ connection }: ConnectedWorker): void {
    const life = this.#knowledge.adoptions.remove(connection);
    if (life !== undefined) {
      this.#knowledge.ended(life);
      this.#tellAll({ kind: "ended", life });
    }
  }

  /** The fleet published a snapshot. */
  publish(version: number): void {
    const { fleet } = this.#parts ?? {};
    if (fleet === undefined) {
      return;
    }
    this.#version = version;
    const message: ToThread = {
      kind: "fleet",
      version,
      publishedAtMs: this.#options.timers.steadyMs(),
      workers: publishedWorkers(fleet, this.#knowledge.adoptions),
    };
    this.#fleetMessage = message;
    for (const handle of this.#threads) {
      if (handle.isServing) {
        handle.tell(message);
      }
    }
  }

  /** Whether every thread has seen what the fleet published last. */
  get areCurrent(): boolean {
    return (
      this.#threads.length === this.memory.threads &&
      this.#threads.every((handle) => handle.isServing && handle.seenVersion >= this.#version)
    );
  }

  /** Resolves when every thread has seen what the fleet has published by now. */
  async allCurrent(): Promise<void> {
    const { timers } = this.#options;
    while (!this.areCurrent && !this.#isClosing) {
      await new Promise<void>((resolve) => {
        timers.after(1, resolve);
      });
    }
  }

  /** The metrics of all threads as one text. */
  metricsText(): Promise<string> {
    const own = (): Promise<readonly PrintedMetric[]> =>
      this.#parts?.metrics.families() ?? Promise.resolve([]);
    return this.#metrics.text(own, this.#threads);
  }

  /** Lets running answers end. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    await Promise.all(
      this.#threads.map((handle) => {
        const drained = this.#answers.heard(handle.thread, `drained`, timeoutMs + END_TIMEOUT_MS);
        handle.tell({ kind: "drain", timeoutMs });
        return drained;
      }),
    );
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(
      this.#threads.map(async (handle) => {
        const closed = this.#answers.heard(handle.thread, `closed`, END_TIMEOUT_MS);
        handle.tell({ kind: "close" });
        await closed;
        await handle.terminate();
      }),
    );
    this.#pump?.[Symbol.dispose]();
  }

  /** Starts one thread and tells it of the engines. */
  async #start(thread: number): Promise<ThreadHandle> {
    const { config, timers, logger } = this.#options;
    const isUp = this.#answers.heard(thread, `up`);
    const handle = new ThreadHandle(
      {
        config,
        thread,
        memory: this.memory,
        steadyMinusHrtimeMs: timers.steadyMs() - Number(process.hrtime.bigint()) / 1e6,
        logLevel: logger.level,
      },
      {
        message: (message) => this.#receive(handle, message),
        died: (error) => this.#died(handle, error),
      },
    );
    this.#threads[thread] = handle;
    this.#options.started?.(handle);
    for (const message of this.#knowledge.replay()) {
      handle.tell(message);
    }
    const up = await isUp;
    if (up?.kind !== "up") {
      throw errorOf(problemOf(up));
    }
    return handle;
  }

  /** Has a thread listen once it knows everything that the others know. */
  async #serve(handle: ThreadHandle): Promise<{ readonly port: number; readonly url: string }> {
    const listening = this.#answers.heard(handle.thread, `listening`);
    if (this.#fleetMessage !== undefined) {
      handle.tell(this.#fleetMessage);
    }
    handle.isServing = true;
    handle.tell({ kind: "listen", port: this.#port });
    const said = await listening;
    if (said?.kind !== "listening") {
      throw errorOf(problemOf(said));
    }
    return said;
  }

  #receive(handle: ThreadHandle, message: FromThread): void {
    const { thread } = handle;
    switch (message.kind) {
      case "wake":
        this.#pump?.wake();
        return;
      case "seen":
        handle.seenVersion = message.version;
        return;
      case "suspect":
        this.#parts?.fleet.suspect(message.id);
        return;
      case "breaker-failed":
        this.#tellOthers(thread, message);
        return;
      case "identity":
        this.#knowledge.setIdentity(message);
        this.#tellOthers(thread, message);
        return;
      case "breaker-changed":
        this.breakers.changed(thread, message.slot, message.to);
        return;
      case "places-freed":
        this.#tellWaiting(thread);
        return;
      case "ask":
      case "explained":
      case "shadow":
      case "policy":
      case "response-changed":
      case "unfollow-response":
        this.#services?.receive(handle, message);
        return;
      case "log":
        writeLines(this.#options.logger, message.lines);
        return;
      case "metrics":
      case "echo":
        this.#answers.tell(thread, `${message.kind} ${message.question}`, message);
        return;
      case "adopted":
        this.#answers.tell(thread, `adopted ${message.life}`, message);
        return;
      case "failed":
        this.#answers.tell(thread, `up`, message);
        this.#answers.tell(thread, `listening`, message);
        return;
      case "up":
      case "listening":
      case "drained":
      case "closed":
        this.#answers.tell(thread, `${message.kind}`, message);
    }
  }

  #died(handle: ThreadHandle, error: Error): void {
    const { thread } = handle;
    const wasServing = handle.isServing;
    handle.isServing = false;
    this.#parts?.routing.ledger.forgetThread(thread);
    this.#services?.forgetThread(thread);
    this.doors.forget(thread);
    this.breakers.forgetThread(thread);
    this.#metrics.retire(thread);
    this.#answers.giveUp(thread);
    if (this.#isClosing) {
      return;
    }
    this.#tellWaiting(thread);
    const { logger, timers, givenUp } = this.#options;
    logger.error({ thread, err: error }, "a request thread died, and its requests with it");
    const pattern = this.#deaths.count(timers.steadyMs());
    if (!wasServing || this.#port === undefined) {
      // It has never served: whoever starts it hears of it.
      return;
    }
    if (pattern !== undefined) {
      givenUp(new RouterError("threads", `${pattern}, last of: ${error.message}`, { cause: error }));
      return;
    }
    const replaced = this.#start(thread).then((started) => this.#serve(started));
    replaced.then(
      () => logger.warn({ thread }, "another request thread serves in its place"),
      (failure: unknown) => {
        // One that is ended while it starts is no fault.
        if (!this.#isClosing) {
          givenUp(
            new RouterError("threads", `a request thread could not be replaced: ${String(failure)}`, {
              cause: failure,
            }),
          );
        }
      },
    );
  }

  #tellAll(message: ToThread): void {
    for (const handle of this.#threads) {
      handle.tell(message);
    }
  }

  #tellOthers(thread: number, message: ToThread): void {
    for (const handle of this.#threads) {
      if (handle.thread !== thread) {
        handle.tell(message);
      }
    }
  }

  /** Places are free: whoever has requests waiting may let them in. */
  #tellWaiting(thread: number): void {
    for (const handle of this.#threads) {
      if (handle.thread !== thread && this.doors.hasWaiting(handle.thread)) {
        handle.tell({ kind: "places-freed" });
      }
    }
  }
}
