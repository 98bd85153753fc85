import type { AdmissionTicket, Generation } from "@vllm-router/routing-core";
import type { FleetPlacer } from "../fleet/fleet-placer.ts";
import type { Timers } from "../fleet/timers.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import { EmbeddingRun, type EmbeddingEnd } from "./embedding-run.ts";
import type { GenerationServer } from "./generation-server.ts";
import { randomId } from "./random-id.ts";
import { failureCode } from "./request-failure.ts";

/** What serving a pooling request needs. */
export interface EmbeddingServerOptions {
  readonly placer: Pick<FleetPlacer, "placeEmbedding">;
  /** Admits the requests and ends them when the router stops. */
  readonly server: Pick<GenerationServer, "admitted" | "track">;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  readonly policyName: string;
  /** Delay before retry number `retry` (1-based) in milliseconds; undefined when there is none left. */
  readonly retryDelayMs: (retry: number) => number | undefined;
}

/** What belongs to one running request beside its plan. */
interface RunContext {
  readonly scope: RequestScope;
  readonly ticket: AdmissionTicket;
  readonly queueMs: number;
}

/** Admits pooling requests, runs their engine calls, and sums them up for the observer. */
export class EmbeddingServer {
  readonly #options: EmbeddingServerOptions;

  constructor(options: EmbeddingServerOptions) {
    this.#options = options;
  }

  /**
   * Serves one validated request. `prepare` runs once it is admitted; where it takes its time, it gives undefined
   * for a client that is not there any more. Resolves when the calls have been started or an
   * answer has been sent; the run goes on by itself.
   * @throws what `prepare` throws
   */
  async serve(
    scope: RequestScope,
    prepare: () => EmbeddingPlan | Promise<EmbeddingPlan | undefined>,
  ): Promise<void> {
    const { server, timers } = this.#options;
    const arrivedAtMs = timers.steadyMs();
    const entered = server.admitted(scope);
    const ticket = entered instanceof Promise ? await entered : entered;
    if (ticket === undefined) {
      return;
    }
    const queueMs = timers.steadyMs() - arrivedAtMs;
    try {
      const prepared = prepare();
      const plan = prepared instanceof Promise ? await prepared : prepared;
      if (plan === undefined) {
        ticket.release();
        return;
      }
      scope.id = plan.responseId;
      this.#run(plan, { scope, ticket, queueMs });
    } catch (error) {
      ticket.release();
      throw error;
    }
  }

  #run(plan: EmbeddingPlan, context: RunContext): void {
    const { server, timers, observer, retryDelayMs, placer } = this.#options;
    const { scope } = context;
    const run: EmbeddingRun = new EmbeddingRun(plan, scope.exchange, {
      place: (tokenIds, excludedWorkers) =>
        placer.placeEmbedding(generationOf(plan, tokenIds, excludedWorkers), plan.explained),
      uniqueId: randomId,
      retryDelayMs,
      after: (delayMs, action) => timers.after(delayMs, action),
      retryScheduled: (attempt, delayMs) => observer.retryScheduled(scope.route, attempt, delayMs),
      retriesExhausted: () => observer.retriesExhausted(scope.route),
      internalError: (where, error) => observer.internalError(where, error),
      ended: (ended, end) => {
        untrack();
        context.ticket.release();
        this.#summarise(ended, { ...context, end });
      },
    });
    const untrack = server.track(run);
    run.start();
  }

  #summarise(run: EmbeddingRun, { scope, queueMs, end }: RunContext & { readonly end: EmbeddingEnd }): void {
    if (end.kind === "failed") {
      scope.errorCode = failureCode(end.failure);
    } else if (end.kind === "refused") {
      scope.errorCode = "invalid_request";
    }
    const { model, prompts } = run.plan;
    scope.generation = {
      model: model.servedNames[0] ?? "",
      workers: run.workersUsed,
      policy: this.#options.policyName,
      reason: run.placementReason,
      attempts: run.attempts,
      queueMs,
      firstTokenMs: undefined,
      promptTokens: prompts.reduce((sum, prompt) => sum + prompt.length, 0),
      completionTokens: 0,
      cachedTokens: 0,
      sequences: prompts.length,
      maxTokens: 0,
      finishReasons: [],
    };
  }
}

function generationOf(
  plan: EmbeddingPlan,
  tokenIds: Int32Array,
  excludedWorkers: readonly string[],
): Generation {
  return {
    requestId: plan.responseId,
    model: plan.model.servedNames[0] ?? "",
    tokenIds,
    promptTokens: tokenIds.length,
    maxTokens: 0,
    routingKey: plan.routingKey,
    requiredFields: plan.requiredFields,
    excludedWorkers,
  };
}
