import type { Duplex } from "node:stream";
import type { EngineError, ProxyHead, UpgradeSink } from "@vllm-router/engine-client";
import type { ClientSide, ExchangeListener } from "../server/exchange.ts";
import { sendApiError } from "../server/send-api-error.ts";
import type { PlacementFailure, ProxyPlacement } from "./placement.ts";
import { failureToApiError, type RequestFailure } from "./request-failure.ts";
import { isRetryable } from "./retryable.ts";

/** What a request for another protocol needs. */
export interface UpgradeServices {
  /** Chooses and books a worker; the workers named have already failed this request. */
  place(
    excludedWorkers: readonly string[],
  ):
    | { readonly kind: "placed"; readonly placement: ProxyPlacement }
    | { readonly kind: "not-placed"; readonly failure: PlacementFailure };
  retryDelayMs(retry: number): number | undefined;
  after(delayMs: number, action: () => void): () => void;
  /** Told once, when everything is given back; the failure where there was one. */
  ended(failure: RequestFailure | undefined): void;
}

/**
 * A connection that is to speak another protocol (WebSocket) with an HTTP worker. Tried on another worker as long as none
 * has answered; then both sides are joined until either of them ends: bytes go through as they come, each side held back
 * when the other one is slow.
 */
export class UpgradeRun implements ExchangeListener, UpgradeSink {
  readonly workersUsed: string[] = [];
  readonly #exchange: ClientSide;
  readonly #services: UpgradeServices;
  readonly #excluded: string[] = [];
  #placement: ProxyPlacement | undefined;
  #cancel: () => void = () => undefined;
  #failedTries = 0;
  #attempts = 0;
  #worker: Duplex | undefined;
  #over = false;

  constructor(exchange: ClientSide, services: UpgradeServices) {
    this.#exchange = exchange;
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
    this.#end(undefined, "cancelled");
  }

  drained(): void {
    // The sockets pace each other.
  }

  accepted(head: ProxyHead, worker: Duplex, first: Uint8Array): void {
    if (this.#over) {
      worker.destroy();
      return;
    }
    this.#worker = worker;
    const client = this.#exchange.switchProtocols(head);
    worker.on("error", () => worker.destroy());
    worker.once("close", () => {
      // What it said last may still be on its way to the client.
      client.end();
      client.destroySoon();
      this.#end(undefined, "success");
    });
    client.once("close", () => {
      worker.destroy();
      this.#end(undefined, "success");
    });
    if (first.length > 0) {
      client.write(first);
    }
    worker.pipe(client);
    client.pipe(worker);
  }

  refused(head: ProxyHead, body: Uint8Array): void {
    if (this.#over) {
      return;
    }
    this.#exchange.sendRawHead(head.status, withoutFraming(head.headers, body.length));
    this.#exchange.writeBytes(body);
    this.#exchange.endStream("");
    this.#end(undefined, head.status >= 500 ? "failure" : "success");
  }

  error(error: EngineError): void {
    if (this.#over) {
      return;
    }
    this.#failedTries += 1;
    if (this.#placement !== undefined) {
      this.#excluded.push(this.#placement.workerId);
      this.#placement.release("failure");
    }
    const delayMs = isRetryable(error) ? this.#services.retryDelayMs(this.#failedTries) : undefined;
    if (delayMs === undefined) {
      this.#giveUp({ kind: "engine", error });
    } else {
      this.#cancel = this.#services.after(delayMs, () => this.#try());
    }
  }

  #try(): void {
    if (this.#over) {
      return;
    }
    let result = this.#services.place(this.#excluded);
    if (result.kind === "not-placed" && this.#excluded.length > 0) {
      // Nobody else is left: the workers that failed may have come back by now.
      this.#excluded.length = 0;
      result = this.#services.place(this.#excluded);
    }
    if (result.kind === "not-placed") {
      this.#giveUp(result);
      return;
    }
    const { placement } = result;
    this.#attempts += 1;
    this.#placement = placement;
    if (!this.workersUsed.includes(placement.workerId)) {
      this.workersUsed.push(placement.workerId);
    }
    const { incoming } = this.#exchange;
    this.#cancel = placement.engine.upgrade(
      {
        method: incoming.method ?? "GET",
        path: incoming.url ?? "/",
        headers: incoming.rawHeaders,
        body: undefined,
        deadlineAtMs: placement.deadlineAtMs,
      },
      this,
    );
  }

  #giveUp(failure: RequestFailure): void {
    if (this.#over) {
      return;
    }
    if (this.#exchange.committed) {
      this.#exchange.destroy();
    } else {
      sendApiError(this.#exchange, failureToApiError(failure));
    }
    this.#end(failure, "cancelled");
  }

  /** The outcome counts only where nobody gave the place back before. */
  #end(failure: RequestFailure | undefined, outcome: "success" | "failure" | "cancelled"): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#cancel();
    this.#worker?.destroy();
    this.#placement?.release(outcome);
    this.#exchange.listen(undefined);
    this.#services.ended(failure);
  }
}

const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
]);

/** The headers of an answer whose body is all there. */
function withoutFraming(headers: readonly string[], lengthBytes: number): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!FRAMING.has(name.toLowerCase())) {
      kept.push(name, headers[index + 1] as string);
    }
  }
  return [...kept, "content-length", String(lengthBytes)];
}
