import { EngineError } from "../../engine-error.ts";
import type { TransportOptions } from "../../transport/transport-options.ts";
import { HttpConnection, type HttpConnectionOwner, type HttpExchange } from "./http-connection.ts";

/** Connections that wait for the next request; further ones are closed. */
const MAX_IDLE = 256;
/** Connections in all; requests beyond are refused. */
const MAX_CONNECTIONS = 16_384;
const SWEEP_MS = 1_000;

/** Where a request runs. */
export interface RunningExchange {
  pause(): void;
  resume(): void;
  /** Gives the request up. */
  destroy(): void;
}

/** Connections to one HTTP engine: one per request in flight, kept for the next ones for as long as the server keeps them. */
export class HttpConnectionPool implements HttpConnectionOwner {
  readonly #options: TransportOptions;
  readonly #all = new Set<HttpConnection>();
  /** The one used last is used first: those that are not needed grow old. */
  readonly #idle: { readonly connection: HttpConnection; readonly untilMs: number }[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Sends a request. Throws an EngineError when there can be no connection for it. */
  send(exchange: HttpExchange): RunningExchange {
    const connection = this.#takeIdle() ?? this.#open();
    connection.send(exchange);
    return connection;
  }

  /** Sends a request on a connection that was never used before. Throws an EngineError when there can be none. */
  sendFresh(exchange: HttpExchange): RunningExchange {
    const connection = this.#open();
    connection.send(exchange);
    return connection;
  }

  /** Closes every connection; what runs on them fails with `unavailable`. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    this.#idle.length = 0;
    for (const connection of this.#all) {
      connection.abort(new EngineError("unavailable", "the engine client was closed"));
    }
  }

  free(connection: HttpConnection, untilMs: number): void {
    if (this.#isClosed || this.#idle.length >= MAX_IDLE) {
      connection.destroy();
      return;
    }
    this.#idle.push({ connection, untilMs });
    this.#sweep ??= setInterval(() => this.#closeOld(), SWEEP_MS).unref();
  }

  closed(connection: HttpConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.findLastIndex((entry) => entry.connection === connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #takeIdle(): HttpConnection | undefined {
    const nowMs = performance.now();
    for (let entry = this.#idle.pop(); entry !== undefined; entry = this.#idle.pop()) {
      if (entry.untilMs > nowMs) return entry.connection;
      entry.connection.destroy();
    }
    return undefined;
  }

  #open(): HttpConnection {
    if (this.#isClosed)
      throw new EngineError("unavailable", "the engine client was closed", { notStarted: true });
    if (this.#all.size >= MAX_CONNECTIONS) {
      throw new EngineError("overloaded", "there are too many connections to the engine", {
        notStarted: true,
      });
    }
    const connection = new HttpConnection(this.#options, this);
    this.#all.add(connection);
    return connection;
  }

  #closeOld(): void {
    const nowMs = performance.now();
    const old = this.#idle.filter((entry) => entry.untilMs <= nowMs);
    for (const { connection } of old) connection.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
