import type { GenerationSummary, RequestSummary, RouterObserver } from "../observability/router-observer.ts";
import type { ReceivedJson } from "./received-json.ts";
import type { ClientSide } from "./exchange.ts";

/** Status logged for a client that left before its answer. */
const CLIENT_CLOSED_REQUEST = 499;

/** What a {@link RequestScope} works with. */
export interface RequestScopeOptions {
  /** Pattern of the route; one fixed name for unknown paths, so that metrics stay bounded. */
  readonly route: string;
  readonly observer: RouterObserver;
  /** Milliseconds of a clock whose zero is arbitrary. */
  readonly now: () => number;
}

/** One HTTP request from its first header to the end of its body; tells the observer exactly twice. */
export class RequestScope {
  readonly exchange: ClientSide;
  readonly route: string;
  readonly method: string;
  readonly startedAtMs: number;
  readonly #observer: RouterObserver;
  readonly #now: () => number;
  /** Id of the answer, or of the request where there is no answer with an id. */
  id = "";
  requestBytes = 0;
  /** Closed code of what went wrong; the handler's to set, or the application's when the handler throws. */
  errorCode: string | undefined;
  generation: GenerationSummary | undefined;
  /** The body, once somebody has begun to read it. */
  received: Promise<ReceivedJson | undefined> | undefined;

  constructor(exchange: ClientSide, options: RequestScopeOptions) {
    this.exchange = exchange;
    this.route = options.route;
    this.method = exchange.incoming.method ?? "GET";
    this.#observer = options.observer;
    this.#now = options.now;
    this.startedAtMs = options.now();
    this.#observer.requestStarted(this.route);
    exchange.onClosed(() => this.#end());
  }

  #end(): void {
    const { exchange } = this;
    const summary: RequestSummary = {
      id: this.id,
      route: this.route,
      method: this.method,
      status: exchange.committed ? exchange.status : CLIENT_CLOSED_REQUEST,
      durationMs: this.#now() - this.startedAtMs,
      requestBytes: this.requestBytes,
      responseBytes: exchange.bytesSent,
      errorCode: this.errorCode ?? (exchange.gone ? "client_gone" : undefined),
      generation: this.generation,
    };
    this.#observer.requestFinished(summary);
  }
}
