import type { Server, Socket } from "node:net";
import type { Timers } from "../fleet/timers.ts";
import type { App } from "./app.ts";
import type { TlsSource } from "./tls-source.ts";

/** What an HTTP server is made with. */
export interface HttpSideOptions {
  readonly app: App;
  readonly timers: Timers;
  readonly tls: TlsSource | undefined;
  /** Largest head of a request. */
  readonly maxHeaderBytes: number;
  /** Headers a request may have. */
  readonly maxHeaderCount: number;
  /** Between two requests of a connection. */
  readonly keepAliveMs: number;
}

/** The part of a listener that speaks HTTP: on node:net of our own, or Node's. */
export interface HttpSide {
  /** What is bound to an address. */
  readonly server: Server;
  /** Requests whose answers have not ended. */
  readonly running: number;
  /** A connection that another socket accepted. */
  accept(socket: Socket): void;
  /** Closes idle connections, and every other one after its answer. */
  beginClosing(): void;
  /** Cuts all connections. */
  cut(): void;
  /** Nothing is open any more. */
  ended(): void;
}
