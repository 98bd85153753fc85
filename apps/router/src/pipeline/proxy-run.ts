import {
  EngineError,
  type GenerateCall,
  type ProxyHead,
  type ProxyRequest,
  type ProxySink,
  type WholeChunks,
} from "@vllm-router/engine-client";
import type { ClientSide, ExchangeListener } from "../server/exchange.ts";
import { BodyTooLargeError, ReplayableBody } from "../server/replayable-body.ts";
import { sendApiError } from "../server/send-api-error.ts";
import type { PlacementFailure, ProxyPlacement } from "./placement.ts";
import { failureToApiError, type RequestFailure } from "./request-failure.ts";
import { isRetryable } from "./retryable.ts";

/** How a proxied request ended, told once. */
export type ProxyEnd =
  | { readonly kind: "done" }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly failure: RequestFailure };

/** What a proxied request needs. */
export interface ProxyServices {
  /** Chooses and books a worker; the workers named have already failed this request. */
  place(
    excludedWorkers: readonly string[],
  ):
    | { readonly kind: "placed"; readonly placement: ProxyPlacement }
    | { readonly kind: "not-placed"; readonly failure: PlacementFailure };
  retryDelayMs(retry: number): number | undefined;
  after(delayMs: number, action: () => void): () => void;
  retryScheduled(attempt: number, delayMs: number): void;
  retriesExhausted(): void;
  /** The head of the answer is on its way to the client. */
  firstByte(): void;
  /** A bug: something threw that never should. */
  internalError(where: string, error: unknown): void;
  ended(run: ProxyRun, end: ProxyEnd): void;
}

/** Statuses of a worker that another worker may do better; told to the client as they are when no retry is left. */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * A request passed on to an HTTP worker as it came: the answer travels back byte for byte. Tried on another worker as
 * long as nothing of an answer has been sent.
 */
export class ProxyRun implements ExchangeListener, ProxySink {
  readonly workersUsed: string[] = [];
  readonly #exchange: ClientSide;
  readonly #request: ProxyRequest;
  readonly #services: ProxyServices;
  readonly #excluded: string[] = [];
  #placement: ProxyPlacement | undefined;
  #call: GenerateCall | undefined;
  #cancelRetry: (() => void) | undefined;
  #failedTries = 0;
  #attempts = 0;
  #over = false;
  #headSent = false;
  #hasData = false;
  #paused = false;
  /** The worker's answer is an error that no retry was left for. */
  #isFailure = false;

  constructor(exchange: ClientSide, request: ProxyRequest, services: ProxyServices) {
    this.#exchange = exchange;
    this.#request = request;
    this.#services = services;
  }

  /** Attempts made so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Why the last worker was chosen. */
  get placementReason(): string {
    return this.#placement?.reason ?? "";
  }

  start(): void {
    this.#exchange.listen(this);
    this.#try();
  }

  /** The router is stopping at once. */
  abort(failure: RequestFailure): void {
    this.#giveUp(failure);
  }

  gone(): void {
    this.#end({ kind: "gone" });
  }

  drained(): void {
    if (this.#paused) {
      this.#paused = false;
      this.#call?.resume();
    }
  }

  head(head: ProxyHead): void {
    if (this.#over) {
      return;
    }
    const delayMs =
      this.#canReplay() && RETRYABLE_STATUS.has(head.status)
        ? this.#services.retryDelayMs(this.#failedTries + 1)
        : undefined;
    if (delayMs !== undefined) {
      this.#call?.cancel();
      this.#attemptFailed();
      this.#retryAfter(delayMs);
      return;
    }
    this.#headSent = true;
    this.#isFailure = head.status >= 500;
    this.#services.firstByte();
    this.#exchange.sendRawHead(head.status, head.headers);
  }

  data(bytes: Uint8Array): void {
    if (this.#over || !this.#headSent) {
      return;
    }
    this.#written(this.#exchange.writeBytes(bytes));
  }

  get takesChunks(): boolean {
    return !this.#over && this.#headSent && this.#exchange.passesChunks;
  }

  chunks(chunks: WholeChunks): void {
    this.#written(this.#exchange.writeChunks(chunks));
  }

  flush(): void {
    this.#exchange.flushBytes();
  }

  end(): void {
    if (this.#over || !this.#headSent) {
      return;
    }
    this.#placement?.release(this.#isFailure ? "failure" : "success");
    this.#exchange.endStream("");
    this.#end({ kind: "done" });
  }

  error(error: EngineError): void {
    if (this.#over) {
      return;
    }
    if (error.cause instanceof BodyTooLargeError) {
      // The client's doing: the worker is well.
      this.#placement?.release("rejected");
      this.#giveUp({ kind: "body-too-large", limitBytes: error.cause.limitBytes });
      return;
    }
    this.#attemptFailed();
    const failure: RequestFailure = { kind: "engine", error };
    if (this.#headSent || !isRetryable(error) || !this.#canReplay()) {
      this.#giveUp(failure);
    } else {
      this.#retry(failure);
    }
  }

  #written(hasRoom: boolean): void {
    if (!this.#hasData) {
      this.#hasData = true;
      // How many tokens these are, nobody knows; that the prompt has been computed is sure.
      this.#placement?.output(0);
    }
    if (!hasRoom && !this.#paused) {
      this.#paused = true;
      this.#call?.pause();
    }
  }

  /** A body that is still on its way can be sent again only as long as its beginning is all that was sent. */
  #canReplay(): boolean {
    const { body } = this.#request;
    return !(body instanceof ReplayableBody && body.isSpent);
  }

  #try(): void {
    if (this.#over) {
      return;
    }
    try {
      this.#placeAndForward();
    } catch (error) {
      this.#services.internalError("proxy", error);
      this.#giveUp({
        kind: "engine",
        error: new EngineError("internal", "Internal server error", { cause: error }),
      });
    }
  }

  #placeAndForward(): void {
    let result = this.#services.place(this.#excluded);
    if (isFull(result) && this.#excluded.length > 0) {
      // Nobody else is left: the workers that failed may have come back by now.
      this.#excluded.length = 0;
      result = this.#services.place(this.#excluded);
    }
    if (result.kind === "not-placed") {
      if (this.#failedTries > 0 && isFull(result)) {
        this.#failedTries += 1;
        this.#retry(result);
      } else {
        this.#giveUp(result);
      }
      return;
    }
    const { placement } = result;
    this.#attempts += 1;
    this.#placement = placement;
    if (!this.workersUsed.includes(placement.workerId)) {
      this.workersUsed.push(placement.workerId);
    }
    const { deadlineAtMs, rank } = placement;
    const { headers } = this.#request;
    this.#call = placement.engine.forward(
      { ...this.#request, headers: rank === undefined ? headers : withRank(headers, rank), deadlineAtMs },
      this,
    );
  }

  /** Gives the place back, and avoids the worker from now on. */
  #attemptFailed(): void {
    this.#failedTries += 1;
    if (this.#placement !== undefined) {
      if (this.#placement.isSpared?.() !== true) {
        this.#excluded.push(this.#placement.workerId);
      }
      this.#placement.release("failure");
    }
  }

  #retry(failure: RequestFailure): void {
    const delayMs = this.#services.retryDelayMs(this.#failedTries);
    if (delayMs === undefined) {
      this.#services.retriesExhausted();
      this.#giveUp(failure);
      return;
    }
    this.#retryAfter(delayMs);
  }

  #retryAfter(delayMs: number): void {
    this.#services.retryScheduled(this.#failedTries, delayMs);
    this.#cancelRetry = this.#services.after(delayMs, () => this.#try());
  }

  /** Answers with the failure, or cuts an answer that has begun: its head promised a body that cannot be completed. */
  #giveUp(failure: RequestFailure): void {
    if (this.#over) {
      return;
    }
    if (this.#exchange.committed) {
      this.#exchange.destroy();
    } else {
      sendApiError(this.#exchange, failureToApiError(failure));
    }
    this.#end({ kind: "failed", failure });
  }

  #end(end: ProxyEnd): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#cancelRetry?.();
    this.#call?.cancel();
    // Counts only where nobody gave the place back before.
    this.#placement?.release("cancelled");
    this.#exchange.listen(undefined);
    this.#services.ended(this, end);
  }
}

function isFull(result: ReturnType<ProxyServices["place"]>): boolean {
  return result.kind === "not-placed" && result.failure.code === "no_worker";
}

const RANK_HEADER = "x-data-parallel-rank";

/** Names and values in turns, with the rank that was decided on. */
function withRank(headers: readonly string[], rank: number): readonly string[] {
  const kept = headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== RANK_HEADER);
  return [...kept, RANK_HEADER, String(rank)];
}
