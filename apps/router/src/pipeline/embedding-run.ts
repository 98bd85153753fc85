import { ApiError, type PooledPrompt } from "@vllm-router/api";
import { EngineError, type Embedding } from "@vllm-router/engine-client";
import type { ClientSide, ExchangeListener } from "../server/exchange.ts";
import { sendApiError } from "../server/send-api-error.ts";
import { EmbeddingCall, type EmbeddingCallOwner, type EmbeddingCallServices } from "./embedding-call.ts";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import { failureToApiError, type RequestFailure } from "./request-failure.ts";

/** How a pooling request ended, told once. */
export type EmbeddingEnd =
  | { readonly kind: "done" }
  /** Everything was computed, and then could not be answered as asked. */
  | { readonly kind: "refused" }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly failure: RequestFailure };

/** What a run needs beside its plan and its client. */
export interface EmbeddingRunServices extends EmbeddingCallServices {
  uniqueId(): string;
  /** Told once, when everything the run held has been given back. */
  ended(run: EmbeddingRun, end: EmbeddingEnd): void;
}

/**
 * Engine calls of one request at the same time. Engines batch what is in flight, so it is well above the batch of a
 * step; a request with thousands of texts must not fill every queue at once.
 */
const EMBEDDING_CALLS_AT_ONCE = 64;

/**
 * A pooling request whose prompts are prepared and which has been admitted: one engine call per prompt, a bounded number
 * of them at a time, and one answer. The first prompt that fails for good ends the request.
 */
export class EmbeddingRun implements ExchangeListener, EmbeddingCallOwner {
  readonly plan: EmbeddingPlan;
  readonly #exchange: ClientSide;
  readonly #services: EmbeddingRunServices;
  readonly #running = new Set<EmbeddingCall>();
  readonly #workersUsed = new Set<string>();
  readonly #pooled: (PooledPrompt | undefined)[];
  readonly #engineId: string;
  #next = 0;
  #missing: number;
  #attempts = 0;
  #reason = "";
  #over = false;

  constructor(plan: EmbeddingPlan, exchange: ClientSide, services: EmbeddingRunServices) {
    this.plan = plan;
    this.#exchange = exchange;
    this.#services = services;
    this.#engineId = `${plan.responseId}-${services.uniqueId()}`;
    this.#missing = plan.prompts.length;
    this.#pooled = plan.prompts.map(() => undefined);
  }

  /** Attempts of all prompts. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Workers that served it, in order of first use. */
  get workersUsed(): readonly string[] {
    return [...this.#workersUsed];
  }

  /** Why a worker was chosen for the last prompt that ended. */
  get placementReason(): string {
    return this.#reason;
  }

  start(): void {
    this.#exchange.listen(this);
    this.#fill();
  }

  /** The router is stopping at once. */
  abort(failure: RequestFailure): void {
    this.#fail(failure);
  }

  gone(): void {
    this.#end({ kind: "gone" });
  }

  drained(): void {
    // There is one write, at the end.
  }

  embedded(call: EmbeddingCall, embedding: Embedding): void {
    this.#note(call);
    this.#pooled[call.index] = embedding;
    this.#missing -= 1;
    if (this.#missing === 0) {
      this.#answer();
    } else {
      this.#fill();
    }
  }

  failed(call: EmbeddingCall, failure: RequestFailure): void {
    this.#note(call);
    this.#fail(failure);
  }

  #fill(): void {
    while (
      !this.#over &&
      this.#next < this.plan.prompts.length &&
      this.#running.size < EMBEDDING_CALLS_AT_ONCE
    ) {
      const index = this.#next;
      this.#next += 1;
      const tokenIds = this.plan.prompts[index] as Int32Array;
      const engineId = `${this.#engineId}-${index}`;
      const { metadata } = this.plan;
      const call = new EmbeddingCall({ index, tokenIds, engineId, metadata }, this, this.#services);
      this.#running.add(call);
      call.start();
    }
  }

  #note(call: EmbeddingCall): void {
    this.#running.delete(call);
    this.#attempts += call.attempts;
    this.#reason = call.placementReason;
    for (const worker of call.workersUsed) {
      this.#workersUsed.add(worker);
    }
  }

  #answer(): void {
    try {
      const answer = this.plan.answer(this.#pooled as readonly PooledPrompt[]);
      this.#exchange.send(200, answer.body, {
        "content-type": answer.contentType,
        ...(answer.metadata === undefined ? {} : { metadata: answer.metadata }),
      });
    } catch (error) {
      if (error instanceof ApiError) {
        sendApiError(this.#exchange, error);
        this.#end({ kind: "refused" });
        return;
      }
      this.#services.internalError("answer", error);
      const failure = new EngineError("internal", "Internal server error", { cause: error });
      this.#fail({ kind: "engine", error: failure });
      return;
    }
    this.#end({ kind: "done" });
  }

  #fail(failure: RequestFailure): void {
    if (!this.#over) {
      sendApiError(this.#exchange, failureToApiError(failure));
      this.#end({ kind: "failed", failure });
    }
  }

  #end(end: EmbeddingEnd): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#exchange.listen(undefined);
    for (const call of this.#running) {
      call.cancel();
      this.#note(call);
    }
    this.#services.ended(this, end);
  }
}
