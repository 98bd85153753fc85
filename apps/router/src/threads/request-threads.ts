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
import { ThreadCrew } from "./thread-crew.ts";
import type { ThreadHandle } from "./thread-handle.ts";
import { ThreadKnowledge } from "./thread-knowledge.ts";
import { ThreadLauncher } from "./thread-launcher.ts";
import { ThreadDeaths } from "./thread-deaths.ts";
import { ThreadMetrics } from "./thread-metrics.ts";
import { ThreadServices } from "./thread-services.ts";
import { errorOf } from "./thread-problem.ts";
import { writeLines } from "./write-lines.ts";
import type { FromThread } from "./thread-messages.ts";

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
  readonly #crew: ThreadCrew;
  readonly #launcher: ThreadLauncher;
  readonly #knowledge = new ThreadKnowledge();
  readonly #answers: AwaitedAnswers;
  readonly #metrics: ThreadMetrics;
  readonly #echo: ThreadEcho;
  readonly #deaths = new ThreadDeaths();
  #parts: ThreadedParts | undefined;
  #pump: PlacementPump | undefined;
  #services: ThreadServices | undefined;
  #version = 0;
  #isClosing = false;

  constructor(options: RequestThreadsOptions) {
    const { config, timers, logger } = options;
    this.#options = options;
    this.#crew = new ThreadCrew(config.server.threads);
    this.#answers = new AwaitedAnswers(options.timers);
    this.#metrics = new ThreadMetrics(this.#answers);
    this.#echo = new ThreadEcho(this.#answers, this.#crew.handles);
    this.memory = allocateSharedMemory(config.server.threads, {
      policy: config.routing.policy,
      parameters: policyParameters(config),
      legs: legPolicies(config),
      decider: absentPolicy(config),
    });
    this.doors = new SharedDoors(this.memory.doors);
    this.breakers = new BreakerSummary((slot) => this.#crew.tell({ kind: "breaker-forget", slot }));
    this.#launcher = new ThreadLauncher({
      config,
      memory: this.memory,
      knowledge: this.#knowledge,
      answers: this.#answers,
      settings: () => ({
        steadyMinusHrtimeMs: timers.steadyMs() - Number(process.hrtime.bigint()) / 1e6,
        logLevel: logger.level,
      }),
      started: (handle) => {
        this.#crew.add(handle);
        options.started?.(handle);
      },
      received: (handle, message) => this.#receive(handle, message),
      died: (handle, error) => this.#died(handle, error),
    });
  }

  /** Starts the threads, which listen one after the other: the first one takes the port. @throws RouterError as a listener does */
  async start(parts: ThreadedParts): Promise<{ readonly url: string }> {
    this.#parts = parts;
    this.#services = new ThreadServices({
      ...parts,
      threads: this.memory.threads,
      metricsText: () => this.metricsText(),
      responses: responseStore(this.#options.config.frontend),
      tell: (message, thread) => this.#crew.tell(message, thread),
      echo: (thread) => this.#echo.of(thread),
    });
    this.#pump = new PlacementPump(this.memory.rings, parts.routing.caches, this.#options.timers);
    const starting = Array.from({ length: this.memory.threads }, (_, thread) => this.#launcher.start(thread));
    let url = "";
    for (const [thread, handle] of (await Promise.all(starting)).entries()) {
      const listening = await this.#launcher.serve(handle);
      url = thread === 0 ? listening.url : url;
    }
    return { url };
  }

  /** Connects every thread to an engine. @throws RouterError when one of them cannot make its model */
  async adopt(worker: ConnectedWorker): Promise<void> {
    const adoption = this.#knowledge.adoptions.add(worker);
    const answers = await Promise.all(
      this.#crew.handles.map((handle) => {
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
    this.#crew.tell({ kind: "adapters", slot, adapters });
  };

  /** An engine does not serve its model any more. */
  leaveModel({ connection }: ConnectedWorker, forget: boolean): void {
    const life = this.#knowledge.adoptions.lifeOf(connection);
    if (life !== undefined) {
      this.#crew.tell({ kind: "leave-model", life, forget });
    }
  }

  /** Nothing of an engine is in use any more. */
  ended({ connection }: ConnectedWorker): void {
    const life = this.#knowledge.adoptions.remove(connection);
    if (life !== undefined) {
      this.#knowledge.ended(life);
      this.#crew.tell({ kind: "ended", life });
    }
  }

  /** The fleet published a snapshot. */
  publish(version: number): void {
    const { fleet } = this.#parts ?? {};
    if (fleet === undefined) {
      return;
    }
    this.#version = version;
    this.#knowledge.fleet = {
      kind: "fleet",
      version,
      publishedAtMs: this.#options.timers.steadyMs(),
      workers: publishedWorkers(fleet, this.#knowledge.adoptions),
    };
    this.#crew.tellServing(this.#knowledge.fleet);
  }

  /** Whether every thread has seen what the fleet published last. */
  get areCurrent(): boolean {
    return this.#crew.haveSeen(this.#version);
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
    return this.#metrics.text(own, this.#crew.handles);
  }

  /** Lets running answers end. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    await Promise.all(
      this.#crew.handles.map((handle) => {
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
      this.#crew.handles.map(async (handle) => {
        const closed = this.#answers.heard(handle.thread, `closed`, END_TIMEOUT_MS);
        handle.tell({ kind: "close" });
        await closed;
        await handle.terminate();
      }),
    );
    this.#pump?.[Symbol.dispose]();
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
        this.#crew.tellOthers(thread, message);
        return;
      case "identity":
        this.#knowledge.setIdentity(message);
        this.#crew.tellOthers(thread, message);
        return;
      case "breaker-changed":
        this.breakers.changed(thread, message.slot, message.to);
        return;
      case "places-freed":
        this.#crew.tellWaiting(thread, this.doors);
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
    this.#crew.tellWaiting(thread, this.doors);
    const { logger, timers, givenUp } = this.#options;
    logger.error({ thread, err: error }, "a request thread died, and its requests with it");
    const pattern = this.#deaths.count(timers.steadyMs());
    if (!wasServing || !this.#launcher.hasPort) {
      // It has never served: whoever starts it hears of it.
      return;
    }
    if (pattern !== undefined) {
      givenUp(new RouterError("threads", `${pattern}, last of: ${error.message}`, { cause: error }));
      return;
    }
    const replaced = this.#launcher.start(thread).then((started) => this.#launcher.serve(started));
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
}
