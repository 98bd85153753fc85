import { createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";
import type { CancelTimer } from "../../fleet/timers.ts";
import type { HttpSide, HttpSideOptions } from "../http-side.ts";
import type { Answer } from "../answer.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import type { HeadLimits } from "./head-reader.ts";
import { type ConnectionOwner, type ConnectionTimes, NetConnection } from "./net-connection.ts";

/** As Node's HTTP server has them. */
const HEAD_MS = 60_000;
const REQUEST_MS = 300_000;
const LOOK_MS = 1_000;

/** HTTP/1.1 on node:net: what a request costs in Node's own server is a third of it. */
export class NetHttpSide implements HttpSide, ConnectionOwner {
  readonly server: Server;
  readonly limits: HeadLimits;
  readonly times: ConnectionTimes;
  readonly #options: HttpSideOptions;
  /** In no order; each connection knows its place. Not a Set: see `running-list.ts`. */
  readonly #connections: NetConnection[] = [];
  #running = 0;
  #isClosing = false;
  #stopLooking: CancelTimer | undefined;

  constructor(options: HttpSideOptions) {
    this.#options = options;
    const { maxHeaderBytes, maxHeaderCount, keepAliveMs, tls } = options;
    this.limits = { maxHeaderBytes, maxHeaderCount };
    this.times = { headMs: HEAD_MS, requestMs: REQUEST_MS, keepAliveMs };
    const settings = { allowHalfOpen: true, noDelay: true };
    if (tls === undefined) {
      this.server = createServer(settings, (socket) => this.#open(socket));
    } else {
      const secure = createSecureServer({ ...settings, ...tls.options(), ALPNProtocols: ["http/1.1"] });
      tls.attachTo(secure);
      secure.on("secureConnection", (socket) => {
        // Cut for its certificate.
        if (!socket.destroyed) {
          this.#open(socket);
        }
      });
      secure.on("tlsClientError", (_, socket) => socket.destroy());
      this.server = secure;
    }
  }

  get running(): number {
    return this.#running;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  steadyMs(): number {
    return this.#options.timers.steadyMs();
  }

  accept(socket: Socket): void {
    this.server.emit("connection", socket);
  }

  request(request: IncomingRequest, answer: Answer): void {
    this.#running++;
    this.#options.app.serve(request, answer);
  }

  requestEnded(): void {
    this.#running--;
  }

  closed(connection: NetConnection): void {
    const last = this.#connections.pop();
    if (last !== undefined && last !== connection) {
      last.place = connection.place;
      this.#connections[last.place] = last;
    }
    if (this.#connections.length === 0) {
      this.#stopLooking?.();
      this.#stopLooking = undefined;
    }
  }

  beginClosing(): void {
    this.#isClosing = true;
    for (const connection of this.#connections.slice()) {
      connection.beginClosing();
    }
  }

  cut(): void {
    for (const connection of this.#connections.slice()) {
      connection.destroy();
    }
  }

  ended(): void {
    this.#stopLooking?.();
  }

  #open(socket: Socket): void {
    const connection = new NetConnection(socket, this);
    connection.place = this.#connections.length;
    this.#connections.push(connection);
    this.#stopLooking ??= this.#options.timers.every(LOOK_MS, () => this.#look());
  }

  /** Looks for clients that take too long: one timer for all of them. */
  #look(): void {
    const nowMs = this.steadyMs();
    for (let index = this.#connections.length - 1; index >= 0; index--) {
      this.#connections[index]?.checkDeadline(nowMs);
    }
  }
}
