import type {
  EngineError,
  GenerateCall,
  ProxyHead,
  ProxyRequest,
  ProxySink,
} from "@vllm-router/engine-client";
import type { Exchange, ExchangeListener } from "../server/exchange.ts";
import type { PlacementFailure, ProxyPlacement } from "./placement.ts";
import type { RequestFailure } from "./request-failure.ts";
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
  firstByte(): void;
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
  readonly #exchange: Exchange;
  readonly #request: ProxyRequest;
  readonly #services: ProxyServices;
  readonly #excluded: string[] = [];
  #placement: ProxyPlacement | undefined;
  #call: GenerateCall | undefined;
  #cancelRetry: (() => void) | undefined;
  #retries = 0;
  #attempts = 0;
  #over = false;
  #headSent = false;
  #paused = false;
  #attemptFailed = false;

  constructor(exchange: Exchange, request: ProxyRequest, services: ProxyServices) {
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
    this.#release("cancelled");
    this.#call?.cancel();
    this.#end({ kind: "failed", failure });
  }

  gone(): void {
    this.#call?.cancel();
    this.#release("cancelled");
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
    if (
      RETRYABLE_STATUS.has(head.status) &&
      this.#services.retryDelayMs(this.#retries + 1) !== undefined &&
      head.status !== 400
    ) {
      const { status } = head;
      this.#call?.cancel();
      this.#failedAttempt({
        kind: "not-placed",
        failure: { code: "no_worker", message: `the worker answered ${status}`, field: undefined },
      });
      return;
    }
    this.#headSent = true;
    this.#attemptFailed = head.status >= 500;
    this.#services.firstByte();
    this.#exchange.sendRawHead(head.status, head.headers);
  }

  data(bytes: Uint8Array): void {
    if (this.#over || !this.#headSent) {
      return;
    }
    if (!this.#exchange.writeBytes(bytes) && !this.#paused) {
      this.#paused = true;
      this.#call?.pause();
    }
  }

  flush(): void {
    // Bytes are written as they come.
  }

  end(): void {
    if (this.#over || !this.#headSent) {
      return;
    }
    this.#release(this.#attemptFailed ? "failure" : "success");
    this.#exchange.endStream("");
    this.#end({ kind: "done" });
  }

  error(error: EngineError): void {
    if (this.#over) {
      return;
    }
    if (this.#headSent) {
      this.#release("failure");
      // The head promised a body that cannot be completed: only cutting the connection says so.
      this.#exchange.destroy();
      this.#end({ kind: "failed", failure: { kind: "engine", error } });
      return;
    }
    if (!isRetryable(error)) {
      this.#release("failure");
      this.#end({ kind: "failed", failure: { kind: "engine", error } });
      return;
    }
    this.#failedAttempt({ kind: "engine", error });
  }

  #try(): void {
    const result = this.#services.place(this.#excluded);
    if (result.kind === "not-placed") {
      if (this.#excluded.length > 0 && result.failure.code === "no_worker") {
        this.#excluded.length = 0;
        this.#retry({ kind: "not-placed", failure: result.failure });
        return;
      }
      this.#end({ kind: "failed", failure: { kind: "not-placed", failure: result.failure } });
      return;
    }
    this.#attempts += 1;
    this.#placement = result.placement;
    if (!this.workersUsed.includes(result.placement.workerId)) {
      this.workersUsed.push(result.placement.workerId);
    }
    this.#call = result.placement.engine.forward(
      { ...this.#request, deadlineAtMs: result.placement.deadlineAtMs },
      this,
    );
  }

  #failedAttempt(failure: RequestFailure): void {
    if (this.#placement !== undefined) {
      this.#excluded.push(this.#placement.workerId);
    }
    this.#release("failure");
    this.#retry(failure);
  }

  #retry(failure: RequestFailure): void {
    this.#retries += 1;
    const delayMs = this.#services.retryDelayMs(this.#retries);
    if (delayMs === undefined) {
      this.#services.retriesExhausted();
      this.#end({ kind: "failed", failure });
      return;
    }
    this.#services.retryScheduled(this.#retries, delayMs);
    this.#cancelRetry = this.#services.after(delayMs, () => this.#try());
  }

  #release(outcome: "success" | "failure" | "cancelled"): void {
    this.#placement?.release(outcome);
  }

  #end(end: ProxyEnd): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#cancelRetry?.();
    this.#exchange.listen(undefined);
    this.#services.ended(this, end);
  }
}
