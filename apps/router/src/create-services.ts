import { parseJson } from "@vllm-router/api";
import type { RouterConfig } from "@vllm-router/config";
import { createRetrySchedule, type Ledger, type PlacementCaches } from "@vllm-router/routing-core";
import type { TemplateValue } from "@vllm-router/text";
import { type Decisions } from "./decisions/create-decisions.ts";
import { createPrefillLegs } from "./disaggregation/create-prefill-legs.ts";
import type { LearnedIdentities } from "./disaggregation/learned-identities.ts";
import { FleetPlacer } from "./fleet/fleet-placer.ts";
import { HitObserver } from "./fleet/hit-observer.ts";
import { affinityRules } from "./fleet/routing-settings.ts";
import type { Deciders } from "./fleet/deciders.ts";
import type { FleetView } from "./fleet/fleet-view.ts";
import type { SystemTimers } from "./fleet/timers.ts";
import type { ModelCatalog } from "./models/model-catalog.ts";
import type { RoutingModels } from "./models/routing-models.ts";
import { METRICS_CONTENT_TYPE, type Metrics } from "./observability/metrics.ts";
import { type RouterObserver } from "./observability/router-observer.ts";
import type { AdmissionControl } from "./pipeline/admission-control.ts";
import { EmbeddingServer } from "./pipeline/embedding-server.ts";
import { GenerationServer } from "./pipeline/generation-server.ts";
import { ConversationMemory } from "./pipeline/conversation-memory.ts";
import type { PrepareSettings } from "./pipeline/prepare-settings.ts";
import { createBodyMemory } from "./server/create-body-memory.ts";
import type { KeptResponses } from "./responses/kept-responses.ts";
import { ResponseStore } from "./responses/response-store.ts";
import type { DecisionBook } from "./routes/debug-decisions.ts";
import type { RouteServices } from "./routes/services.ts";
import type { LongTexts } from "./tokenizing/long-texts.ts";

/** Characters of kept responses: 256 MiB at two bytes each. */
const STORED_CHARACTERS = 128 * 1024 * 1024;

/** What the services of one thread are made from. */
interface Parts {
  readonly fleet: FleetView;
  readonly models: ModelCatalog;
  readonly routingModels: RoutingModels;
  readonly routing: Deciders & { readonly ledger: Ledger; readonly caches: PlacementCaches };
  readonly timers: SystemTimers;
  readonly observer: RouterObserver;
  readonly metrics: Metrics;
  readonly admission: AdmissionControl;
  readonly decisions: Pick<Decisions, "journal" | "observer">;
  /** Where explained decisions are read, when not in the journal of this thread. */
  readonly book?: DecisionBook;
  readonly longTexts: LongTexts;
  /** What prefill engines told, where other threads are to know it. */
  readonly learned?: LearnedIdentities | undefined;
  /** Where responses are kept, when not in this thread. */
  readonly responses?: KeptResponses | undefined;
  /** Requests running; default those of this thread. */
  readonly serverLoad?: () => number;
}

/** Where responses are kept; undefined where they are not. */
export function responseStore({
  enableResponsesStore,
  responsesStoreSize,
}: RouterConfig["frontend"]): ResponseStore | undefined {
  return enableResponsesStore
    ? new ResponseStore({ capacity: responsesStoreSize, maxCharacters: STORED_CHARACTERS })
    : undefined;
}

/** Makes what the routes work with, once a thread. */
export function createServices(config: RouterConfig, parts: Parts): RouteServices {
  const { fleet, models, routingModels, routing, timers, observer, metrics, admission, decisions } = parts;
  const placer = new FleetPlacer({
    fleet,
    dispatchers: routing.dispatchers,
    observer,
    journal: decisions.journal,
    shadows: routing.shadows,
    decisionObserver: decisions.observer,
    now: () => timers.now(),
    requestTimeoutMs: config.workers.requestTimeoutSecs * 1000,
    prefill: createPrefillLegs(config, {
      fleet,
      routing,
      timers,
      observer,
      decisionObserver: decisions.observer,
      learned: parts.learned,
    }),
    ...(routing.usesPrefix ? { hits: new HitObserver(routing) } : {}),
  });
  const retryDelayMs = retryDelays(config, () => timers.steadyMs());
  const { token, proxy } = routing.dispatchers;
  const affinity = affinityRules(config);
  const server = new GenerationServer({
    placer,
    admission,
    timers,
    observer,
    // A policy of the user's own may have given way to the configured one, or come back.
    get policyName() {
      return token.policy.name;
    },
    retryDelayMs,
    gapCell: (model) => metrics.gapCell(model),
    keepAliveMs: config.server.sseKeepAliveIntervalSecs * 1000,
  });
  const embeddings = new EmbeddingServer({
    placer,
    server,
    timers,
    observer,
    get policyName() {
      return token.policy.name;
    },
    retryDelayMs,
  });
  const { frontend, model } = config;
  const prepare: PrepareSettings = {
    trustRequestChatTemplate: model.trustRequestChatTemplate,
    defaultChatTemplateKwargs: parseJson(JSON.stringify(model.defaultChatTemplateKwargs)) as ReadonlyMap<
      string,
      TemplateValue
    >,
    contentFormat: model.chatTemplateContentFormat,
    conversations: new ConversationMemory(),
    maxLogprobs: model.maxLogprobs,
    ignoresPriority: config.workers.schedulingPolicy === "fcfs",
    measuresRequests: frontend.enablePerRequestMetrics,
    tokensOnly: frontend.tokensOnly,
  };
  return {
    models,
    fleet,
    server,
    embeddings,
    proxy: {
      placer,
      server,
      timers,
      observer,
      get policyName() {
        return proxy.policy.name;
      },
      retryDelayMs,
      affinity,
      journal: decisions.journal,
      prepare,
      isAdapter: (name) => routingModels.isAdapter(name),
      modelOf: (name) =>
        routing.looksAtPrompts && name !== "" ? (models.resolve(name) ?? routingModels.get(name)) : undefined,
    },
    affinity,
    debug: { journal: parts.book ?? decisions.journal, adminApiKey: config.decisions.adminApiKey },
    timers,
    observer,
    documentation: frontend.disableDocs ? "none" : frontend.enableOfflineDocs ? "offline" : "online",
    showsTokenizer: frontend.enableTokenizerInfo,
    scaleOut: frontend.enableScaleOut || frontend.tokensOnly,
    tokensOnly: frontend.tokensOnly,
    devMode: frontend.serverDevMode,
    changesAdapters: frontend.allowRuntimeLoraUpdating,
    responses: parts.responses ?? responseStore(frontend),
    writerSettings: {
      responseRole: frontend.responseRole,
      promptTokensDetails: frontend.enablePromptTokensDetails,
      forceIncludeUsage: frontend.enableForceIncludeUsage,
      returnTokensAsTokenIds: frontend.returnTokensAsTokenIds,
    },
    prepare,
    longTexts: parts.longTexts,
    maxPayloadBytes: config.server.maxPayloadBytes,
    bodies: createBodyMemory(),
    tracksServerLoad: frontend.enableServerLoadTracking,
    serverLoad: parts.serverLoad ?? (() => server.runningCount),
    requestIdHeaders: config.server.requestIdHeaders,
    metricsText: () => metrics.text(),
    metricsContentType: METRICS_CONTENT_TYPE,
  };
}

function retryDelays(config: RouterConfig, now: () => number): (retry: number) => number | undefined {
  const { maxAttempts, initialBackoffMs, maxBackoffMs, backoffMultiplier, jitterFactor, disabled } =
    config.retry;
  const schedule = createRetrySchedule(
    {
      maxAttempts: disabled ? 1 : maxAttempts,
      initialBackoffMs,
      maxBackoffMs,
      backoffMultiplier,
      jitterFactor,
    },
    Math.random,
  );
  return (retry) => {
    const verdict = schedule.next({
      failedAttempts: retry,
      nowMs: now(),
      deadlineAtMs: Number.POSITIVE_INFINITY,
    });
    return verdict.kind === "retry" ? verdict.delayMs : undefined;
  };
}
