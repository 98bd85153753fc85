// One thread of `--threads`: sockets, engine connections and text of its own. Started by `thread-handle.ts`.
import { parentPort, workerData } from "node:worker_threads";
import { pino } from "pino";
import { connectEngine } from "@vllm-router/engine-client";
import { createAdmission } from "@vllm-router/routing-core";
import { createServices } from "../create-services.ts";
import type { ExplainedDecision } from "../decisions/explained-decision.ts";
import {
  admissionSettings,
  breakerSettings,
  legPolicies,
  policyParameters,
} from "../fleet/routing-settings.ts";
import { openPolicyFile } from "../fleet/own-policy/open-policy-file.ts";
import { SystemTimers } from "../fleet/timers.ts";
import { createModelBuilder } from "../models/create-model-builder.ts";
import { ModelCatalog } from "../models/model-catalog.ts";
import { RoutingModels } from "../models/routing-models.ts";
import { combineDecisionObservers } from "../observability/decision-observer.ts";
import { createMetrics } from "../observability/metrics.ts";
import { requestLog, requestLogSettings } from "../observability/request-log.ts";
import { combineObservers } from "../observability/router-observer.ts";
import { listenForClients, type ClientListener } from "../open-listeners.ts";
import { AdmissionControl } from "../pipeline/admission-control.ts";
import { createLongTexts } from "../tokenizing/create-long-texts.ts";
import { RouterError } from "../router-error.ts";
import { LearnedIdentities } from "../disaggregation/learned-identities.ts";
import { FleetMirror } from "./fleet-mirror.ts";
import { ForwardingJournal } from "./forwarding-journal.ts";
import { LineBatch } from "./line-batch.ts";
import { RemoteResponses } from "./remote-responses.ts";
import { RemoteShadows } from "./remote-shadows.ts";
import { SharedDoors } from "./shared-doors.ts";
import { createThreadRouting } from "./thread-routing.ts";
import type { FromThread, Question, ThreadProblem, ThreadStart, ToThread } from "./thread-messages.ts";

const { config, thread, memory, steadyMinusHrtimeMs, logLevel } = workerData as ThreadStart;
const tell = (message: FromThread): void => parentPort?.postMessage(message);

run().catch((error: unknown) => {
  tell({ kind: "failed", problem: problemOf(error) });
  parentPort?.on("message", (message: ToThread) => {
    if (message.kind === "close") {
      tell({ kind: "closed" });
    }
  });
});

async function run(): Promise<void> {
  // All threads' steady clocks agree: instants travel between them.
  const timers = new SystemTimers(
    steadyMinusHrtimeMs + Number(process.hrtime.bigint()) / 1e6 - performance.now(),
  );
  const now = (): number => timers.steadyMs();
  const lines = new LineBatch(timers, (text) => tell({ kind: "log", lines: text }));
  const logger = pino({ level: logLevel, base: null }, lines);
  const doors = new SharedDoors(memory.doors);
  const metrics = createMetrics({ inFlight: () => [], queued: () => 0 }, undefined);
  const observer = combineObservers([metrics.observer, requestLog(logger, requestLogSettings(config))]);
  const ask = createAsker();
  const journal = new ForwardingJournal({
    isEnabled: config.decisions.enableExplain,
    isLogged: config.decisions.logFile !== undefined,
    logSampleRate: config.decisions.logSampleRate,
    forward: (decision, isSampled) => {
      // What shadows said of it is to be found when it arrives.
      shadows?.flush();
      tell({ kind: "explained", decision, isSampled, placement: shadows?.placementOf(decision.shadows) });
    },
  });
  const shadows =
    config.routing.shadowPolicies.length === 0
      ? undefined
      : new RemoteShadows({
          timers,
          send: (records, dropped) => tell({ kind: "shadow", records, dropped }),
        });
  const ownPolicy = await openPolicyFile(config, {
    timers,
    observer: {
      policyLoaded: (name, hash) => tell({ kind: "policy", news: { event: "loaded", name, hash } }),
      policyFailed: (fault, message, hash) =>
        tell({ kind: "policy", news: { event: "failed", fault, message, hash } }),
      policySaid: (text) => tell({ kind: "policy", news: { event: "said", text } }),
    },
  });
  const routing = createThreadRouting(
    {
      policy: config.routing.policy,
      parameters: policyParameters(config),
      legs: legPolicies(config),
      ...(ownPolicy === undefined ? {} : { decider: (fallback) => ownPolicy.guardOf(fallback) }),
      breaker: breakerSettings(config),
      now,
      random: Math.random,
    },
    {
      thread,
      memory,
      shadows: shadows?.byLane,
      wake: () => tell({ kind: "wake" }),
      failed: (slot) => tell({ kind: "breaker-failed", slot }),
    },
  );
  routing.breakers?.watch((slot, _from, to) => tell({ kind: "breaker-changed", slot, to }));
  const models = new ModelCatalog();
  const longTexts = createLongTexts(config, (detail) => logger.warn(detail));
  const builder = createModelBuilder(config);
  const offline = createModelBuilder(config, true);
  const routingModels = new RoutingModels({
    build: routing.looksAtPrompts ? (facts) => offline.build(facts) : undefined,
    // The fleet's thread has said it.
    unknown: () => undefined,
  });
  const learned = new LearnedIdentities((connection, identity) => {
    const life = fleet.lifeOf(connection);
    if (life !== undefined) {
      tell({ kind: "identity", life, identity });
    }
  });
  const fleet: FleetMirror = new FleetMirror({
    timers,
    ledger: routing.ledger,
    breakers: routing.breakers,
    models,
    routingModels,
    learned,
    connect: (description) =>
      connectEngine(description, { transport: config.engineTransport, httpClient: config.engineHttpClient }),
    build: (facts) => builder.build(facts),
    suspect: (id) => tell({ kind: "suspect", id }),
    workerChanged: ({ url, detail }, state) => metrics.observer.workerChanged(url, state, detail),
    internalError: (error) => observer.internalError("engines of a request thread", error),
  });
  const { maxConcurrentRequests, queueSize, queueTimeoutMs } = admissionSettings(config);
  const admission = new AdmissionControl(
    createAdmission({
      gate: doors.gate(thread, { maxConcurrentRequests, startAtMs: now() }, () =>
        tell({ kind: "places-freed" }),
      ),
      queueSize,
      places: doors.places(thread, queueSize),
      queueTimeoutMs,
      clock: now,
    }),
    timers,
  );
  const responses = config.frontend.enableResponsesStore
    ? new RemoteResponses({ timers, ask, tell })
    : undefined;
  const services = createServices(config, {
    fleet,
    models,
    routingModels,
    routing,
    timers,
    observer,
    metrics: { ...metrics, text: async () => (await ask({ about: "metrics" })) as string },
    admission,
    responses,
    learned,
    longTexts,
    decisions: {
      journal,
      observer: { ...combineDecisionObservers([]), shadowed: (placement) => shadows?.compared(placement) },
    },
    book: {
      isEnabled: journal.isEnabled,
      get: async (id) => (await ask({ about: "decision", id })) as ExplainedDecision | undefined,
      latest: async (limit) => (await ask({ about: "decisions", limit })) as readonly ExplainedDecision[],
    },
    serverLoad: () => doors.inside,
  });

  let listener: ClientListener | undefined;
  const listen = async (port: number | undefined): Promise<void> => {
    listener = await listenForClients(
      config,
      { services, observer, timers, logger },
      port === undefined ? undefined : { port, isClaimed: true },
    );
    tell({ kind: "listening", port: listener.listener.port, url: listener.listener.url });
  };
  const close = async (): Promise<void> => {
    await listener?.listener.close();
    listener?.[Symbol.dispose]();
    services.server.abortAll();
    await longTexts[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
    await ownPolicy?.[Symbol.asyncDispose]();
    lines.flush();
    timers[Symbol.dispose]();
    tell({ kind: "closed" });
  };
  process.once("uncaughtExceptionMonitor", () => {
    lines.flush();
  });

  parentPort?.on("message", (message: ToThread) => {
    switch (message.kind) {
      case "listen":
        listen(message.port).catch((error: unknown) => tell({ kind: "failed", problem: problemOf(error) }));
        return;
      case "adopt": {
        const { life } = message.adoption;
        fleet.adopt(message.adoption).then(
          () => tell({ kind: "adopted", life, problem: undefined }),
          (error: unknown) => tell({ kind: "adopted", life, problem: problemOf(error) }),
        );
        return;
      }
      case "leave-model":
        fleet.leaveModel(message.life, message.forget);
        return;
      case "ended":
        fleet.ended(message.life);
        return;
      case "fleet":
        fleet.apply(message);
        tell({ kind: "seen", version: message.version });
        return;
      case "breaker-failed":
        routing.failedElsewhere(message.slot);
        return;
      case "breaker-forget":
        routing.breakers?.forget(message.slot);
        return;
      case "identity":
        fleet.setIdentity(message.life, message.identity);
        return;
      case "adapters":
        routing.loads.setAdapters(message.slot, message.adapters);
        return;
      case "places-freed":
        admission.placesFreed();
        return;
      case "echo":
        responses?.flush();
        tell({ kind: "echo", question: message.question });
        return;
      case "cancel-response":
        responses?.cancelled(message.id);
        return;
      case "response-news":
        responses?.heard(message.follow, message.news);
        return;
      case "policy-give-up":
        ownPolicy?.giveUp(message.hash);
        return;
      case "shadow-taken":
        shadows?.taken(message.placements, message.bytes);
        return;
      case "tell-metrics":
        // What is counted in the fleet's thread is counted before it is asked.
        shadows?.flush();
        void metrics
          .families()
          .then((families) => tell({ kind: "metrics", question: message.question, families }));
        return;
      case "answer":
        ask.answered(message.question, message.answer);
        return;
      case "drain":
        void (listener?.listener.drain(message.timeoutMs) ?? Promise.resolve(0)).then(() =>
          tell({ kind: "drained" }),
        );
        return;
      case "close":
        void close();
    }
  });
  tell({ kind: "up" });
}

interface Asker {
  (about: Question): Promise<unknown>;
  answered(question: number, answer: unknown): void;
}

/** Asks the fleet's thread, which answers every question. */
function createAsker(): Asker {
  const waiting = new Map<number, (answer: unknown) => void>();
  let questions = 0;
  const ask = (about: Question): Promise<unknown> =>
    new Promise((resolve) => {
      questions += 1;
      waiting.set(questions, resolve);
      tell({ kind: "ask", question: questions, about });
    });
  return Object.assign(ask, {
    answered(question: number, answer: unknown): void {
      waiting.get(question)?.(answer);
      waiting.delete(question);
    },
  });
}

function problemOf(error: unknown): ThreadProblem {
  return {
    code: error instanceof RouterError ? error.code : "internal",
    message: error instanceof Error ? error.message : String(error),
  };
}
