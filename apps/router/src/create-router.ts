import type { Logger } from "pino";
import type { RouterConfig } from "@vllm-router/config";
import { createAdmission, createAdmissionGate } from "@vllm-router/routing-core";
import { createDecisions } from "./decisions/create-decisions.ts";
import { withBootstrap } from "./disaggregation/bootstrap-connector.ts";
import { createRegistry, openDiscovery } from "./discovery/open-discovery.ts";
import { withMoriio } from "./disaggregation/moriio-connector.ts";
import { registerLegs } from "./disaggregation/create-prefill-legs.ts";
import { openListeners } from "./open-listeners.ts";
import { EngineConnector } from "./fleet/engine-connector.ts";
import { Fleet } from "./fleet/fleet.ts";
import { absentPolicy, openPolicyFile } from "./fleet/own-policy/open-policy-file.ts";
import {
  admissionSettings,
  breakerSettings,
  legPolicies,
  policyParameters,
} from "./fleet/routing-settings.ts";
import { kvEventFigures } from "./fleet/kv-event-figures.ts";
import { createRouting } from "./fleet/routing.ts";
import { SystemTimers } from "./fleet/timers.ts";
import { watchEngines } from "./fleet/watch-engines.ts";
import { createModelBuilder } from "./models/create-model-builder.ts";
import { LaterTidying } from "./models/later-tidying.ts";
import { ModelCatalog } from "./models/model-catalog.ts";
import type { ModelRuntime } from "./models/model-runtime.ts";
import { RoutingModels } from "./models/routing-models.ts";
import { decisionEvents } from "./observability/decision-events.ts";
import { checkParserFlags } from "./models/model-parsers.ts";
import { createServices } from "./create-services.ts";
import { createMetrics } from "./observability/metrics.ts";
import { requestLog, requestLogSettings } from "./observability/request-log.ts";
import { combineObservers } from "./observability/router-observer.ts";
import { AdmissionControl } from "./pipeline/admission-control.ts";
import { createLongTexts } from "./tokenizing/create-long-texts.ts";
import { openThreads, requestThreads } from "./threads/open-threads.ts";
import type { StartedThread } from "./threads/request-threads.ts";

/** A running router. */
export interface Router {
  /** Address of the HTTP interface for clients on this machine. */
  readonly url: string;
  /** `host:port` where engines announce themselves; undefined where they do not. */
  readonly discoveryAddress: string | undefined;
  /** Workers that take requests. */
  readyWorkers(): number;
  /** Generations in flight on all workers, from the ledger. */
  inFlight(): number;
  /** Resolves when the first worker is ready. @throws RouterError `startup_timeout` */
  firstReady(): Promise<void>;
  /** Takes no new requests, lets running answers end for at most `drainTimeoutMs`, then gives everything up. */
  close(drainTimeoutMs: number): Promise<void>;
}

/** What a router takes from outside beside its configuration. */
export interface RouterEnvironment {
  readonly logger: Logger;
  /** Hears of every request thread of `--threads` that is started. */
  readonly threadStarted?: (thread: StartedThread) => void;
  /** Turns V8's own collections of a process at rest off and on; not called where missing. See `memoryReducerSwitch`. */
  readonly setMemoryReducer?: (isOn: boolean) => void;
  /** Hears of every model whose files have been read. */
  readonly modelRead?: () => void;
}

/** Longest time finding out about a new engine may take: tokenizer files are tens of megabytes. */
const REGISTRATION_TIMEOUT_MS = 120_000;

/**
 * Builds a router from its configuration, listens, and begins to reach for its workers.
 * @throws RouterError `listen` when the address cannot be had; RoutingError for parameters out of range
 */
export async function createRouter(config: RouterConfig, environment: RouterEnvironment): Promise<Router> {
  checkParserFlags(config.parsers);
  const timers = new SystemTimers();
  const threads = requestThreads(config, {
    timers,
    logger: environment.logger,
    started: environment.threadStarted,
  });
  const steadyMs = (): number => timers.steadyMs();
  const metrics = createMetrics(
    {
      inFlight: () => fleet.reports().map((report) => [report.id, report.inFlight] as const),
      queued: () => threads?.doors.waiting ?? admission.queued,
      kvEvents: () =>
        fleet.workers().map((worker) => kvEventFigures(routing.caches, worker, timers.steadyMs())),
    },
    timers,
  );
  const observer = combineObservers([
    metrics.observer,
    requestLog(environment.logger, requestLogSettings(config)),
  ]);

  const decisions = createDecisions(config, {
    observers: [metrics.decisionObserver, decisionEvents(environment.logger)],
    random: Math.random,
  });

  // Request threads each open it for themselves.
  const ownPolicy = await (
    threads === undefined
      ? openPolicyFile(config, { timers, observer: decisions.observer })
      : Promise.resolve(undefined)
  ).catch(async (error: unknown) => {
    await decisions[Symbol.asyncDispose]();
    timers[Symbol.dispose]();
    throw error;
  });
  const routing = createRouting({
    policy: config.routing.policy,
    parameters: policyParameters(config),
    legs: legPolicies(config),
    shadowPolicies: config.routing.shadowPolicies,
    decider: ownPolicy === undefined ? absentPolicy(config) : (fallback) => ownPolicy.guardOf(fallback),
    breaker: breakerSettings(config),
    memory: threads?.memory,
    breakerSummary: threads?.breakers,
    adaptersChanged: threads?.adaptersChanged,
    now: steadyMs,
    random: Math.random,
    breakerChanged: (slot, from, to) => {
      const worker = fleet.workerAt(slot);
      if (worker !== undefined) {
        observer.breakerChanged(worker.id, from, to);
      }
    },
  });
  const models = new ModelCatalog();
  const tidying = new LaterTidying({
    timers,
    isServing: () => routing.ledger.totalRequests() > 0,
    setReducer: environment.setMemoryReducer,
  });
  const longTexts = createLongTexts(config, (detail) => environment.logger.warn(detail));
  const builder = createModelBuilder(config);
  const offline = createModelBuilder(config, true);
  const told = async (reading: Promise<ModelRuntime>): Promise<ModelRuntime> => {
    const model = await reading;
    environment.modelRead?.();
    return model;
  };
  const routingModels = new RoutingModels({
    build: routing.looksAtPrompts ? (facts) => told(offline.build(facts)) : undefined,
    unknown: (names, reason) => {
      environment.logger.info({ models: names, reason }, "prompts of these models are matched as text");
    },
  });
  const engines = new EngineConnector({
    transport: config.engineTransport,
    httpClient: config.engineHttpClient,
    probeTimeoutMs: config.health.checkTimeoutSecs * 1000,
    registrationTimeoutMs: REGISTRATION_TIMEOUT_MS,
    timers,
    healthPath: config.health.checkEndpoint,
    httpRanks: config.workers.intraNodeDataParallelSize,
  });
  const fleet: Fleet = new Fleet({
    connector: withMoriio(
      config,
      withBootstrap(config, engines, (url) => fleet.roleOf(url)),
      (url) => registry?.addressOf(url),
    ),
    timers,
    observer,
    slots: routing.slots,
    ledger: routing.ledger,
    breakers: routing.breakers,
    watch: watchEngines(config, {
      routing,
      timers,
      observer,
      models: routingModels,
    }),
    adoptModel: async (worker) => {
      const { connection, facts } = worker;
      const built = connection.dialect === "http" ? undefined : await told(builder.build(facts));
      const runtime = built === undefined ? undefined : models.adopt(built);
      // Of many workers the last one, too: whatever came after a moment of rest in their start is still there. Without a model, what
      // the program's own start left behind.
      tidying.ask();
      try {
        await threads?.adopt(worker);
      } catch (error) {
        if (runtime !== undefined) {
          models.release(runtime, false);
        }
        throw error;
      }
      return runtime;
    },
    learnAdapters: (base, adapters) => models.learnAdapters(base, adapters),
    releaseModel: (runtime, forget, worker) => {
      models.release(runtime, forget);
      threads?.leaveModel(worker, forget);
    },
    ended: (worker) => threads?.ended(worker),
    published: (version) => threads?.publish(version),
    thresholds: { failures: config.health.failureThreshold, successes: config.health.successThreshold },
    settings: {
      checkIntervalMs: config.health.checkIntervalSecs * 1000,
      startupIntervalMs: config.workers.startupCheckIntervalSecs * 1000,
      drainTimeoutMs: config.server.drainTimeoutSecs * 1000,
    },
  });
  const registry = createRegistry(config, { fleet, timers, logger: environment.logger });
  const admission = createAdmissionControl(config, timers);
  const services = createServices(config, {
    fleet,
    models,
    routingModels,
    routing,
    timers,
    observer,
    metrics: threads === undefined ? metrics : { ...metrics, text: () => threads.metricsText() },
    admission,
    decisions,
    longTexts,
  });
  const server = services.server;

  const parts = { services, observer, timers, logger: environment.logger };
  const closeAll = async (): Promise<void> => {
    await threads?.close();
    await fleet[Symbol.asyncDispose]();
    await ownPolicy?.[Symbol.asyncDispose]();
    await decisions[Symbol.asyncDispose]();
    timers[Symbol.dispose]();
  };
  const listeners = await (
    threads === undefined
      ? openListeners(config, parts)
      : openThreads(threads, config, { ...parts, fleet, routing, metrics, decisions })
  ).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  for (const url of config.workers.urls) {
    fleet.register(url);
  }
  registerLegs(config, fleet);
  // After those that the configuration names: they stay.
  const discovery = await openDiscovery(config, registry, parts).catch(async (error: unknown) => {
    listeners[Symbol.dispose]();
    await closeAll();
    throw error;
  });
  return {
    url: listeners.main.url,
    discoveryAddress: discovery?.address,
    // Whoever sees a worker here finds it in every thread.
    readyWorkers: () => (threads?.areCurrent === false ? 0 : fleet.readyCount()),
    inFlight: () => routing.ledger.totalRequests(),
    firstReady: async () => {
      await fleet.firstReady(config.workers.startupTimeoutSecs * 1000);
      await threads?.allCurrent();
    },
    close: async (drainTimeoutMs) => {
      await discovery?.[Symbol.asyncDispose]();
      await Promise.all([
        threads?.drain(drainTimeoutMs),
        ...listeners.all.map((listener) => listener.drain(drainTimeoutMs)),
      ]);
      listeners[Symbol.dispose]();
      server.abortAll();
      await longTexts[Symbol.asyncDispose]();
      await closeAll();
    },
  };
}

function createAdmissionControl(config: RouterConfig, timers: SystemTimers): AdmissionControl {
  const { maxConcurrentRequests, ...queue } = admissionSettings(config);
  const gate = createAdmissionGate({ maxConcurrentRequests, startAtMs: timers.steadyMs() });
  return new AdmissionControl(createAdmission({ gate, ...queue, clock: () => timers.steadyMs() }), timers);
}
