import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import type { HttpSide, HttpSideOptions } from "../http-side.ts";
import { isUpgrade } from "../is-upgrade.ts";
import { nodeHttp } from "../node-http.ts";
import { RunningList } from "../running-list.ts";
import { NodeAnswer } from "./node-answer.ts";
import { NodeRequest } from "./node-request.ts";

/** Node's own HTTP server. */
export class NodeHttpSide implements HttpSide {
  readonly server: Server | SecureServer;
  readonly #options: HttpSideOptions;
  readonly #running = new RunningList<ServerResponse>();
  /** Sockets that the server no longer knows. */
  readonly #upgraded = new RunningList<Socket>();
  #isClosing = false;

  constructor(options: HttpSideOptions) {
    this.#options = options;
    const { maxHeaderBytes, keepAliveMs, tls } = options;
    const settings = {
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: keepAliveMs,
      // Any other protocol that a client would rather speak is passed over, as HTTP allows.
      shouldUpgradeCallback: wantsWebSocket,
    };
    this.server =
      tls === undefined
        ? nodeHttp.createServer(settings)
        : tls.attachTo(createSecureServer({ ...settings, ...tls.options() }));
    // Node's own limit cuts silently what is beyond it.
    this.server.maxHeadersCount = 0;
    this.server.on("request", (incoming, outgoing) => this.#request(incoming, outgoing));
    if (asksBeforeUpgrade(this.server)) {
      this.server.on("upgrade", (incoming, socket: Socket, first) => this.#upgrade(incoming, socket, first));
    }
  }

  get running(): number {
    return this.#running.size;
  }

  accept(socket: Socket): void {
    this.server.emit("connection", socket);
  }

  beginClosing(): void {
    this.#isClosing = true;
    for (const outgoing of this.#running.items()) {
      // Said in heads that are still to come: the client will not try the connection again.
      outgoing.shouldKeepAlive = false;
    }
  }

  cut(): void {
    this.server.closeAllConnections();
    for (const socket of this.#upgraded.items()) {
      socket.destroy();
    }
  }

  ended(): void {
    // Node ends its own timers.
  }

  #request(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#track(incoming, outgoing);
    if (incoming.rawHeaders.length > this.#options.maxHeaderCount * 2) {
      outgoing.writeHead(431, { connection: "close", "content-length": 0 }).end();
      return;
    }
    this.#options.app.serve(new NodeRequest(incoming), new NodeAnswer(incoming.socket, outgoing));
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, first: Buffer): void {
    const outgoing = new nodeHttp.ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(socket);
    socket.on("error", () => socket.destroy());
    if (first.length > 0) {
      socket.unshift(first);
    }
    this.#track(incoming, outgoing);
    const closed = this.#upgraded.add(socket);
    socket.once("close", closed);
    outgoing.once("finish", () => socket.destroySoon());
    this.#options.app.serve(new NodeRequest(incoming), new NodeAnswer(socket, outgoing));
  }

  #track(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ended = this.#running.add(outgoing);
    outgoing.shouldKeepAlive &&= !this.#isClosing;
    outgoing.once("close", () => {
      ended();
      if (this.#isClosing) {
        // Its keep-alive would hold the server open for nothing.
        incoming.socket.destroySoon();
      }
    });
  }
}

function wantsWebSocket({ method, headers }: IncomingMessage): boolean {
  return isUpgrade(method, headers.upgrade);
}

/** Older versions of Node would take every request with an `upgrade` header away from the server: they go without. */
function asksBeforeUpgrade(server: Server | SecureServer): boolean {
  return "shouldUpgradeCallback" in server && server.shouldUpgradeCallback === wantsWebSocket;
}
