import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Http2Session, IncomingHttpHeaders } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { type GrpcCall, Http2GrpcCall } from "./grpc-call.ts";
import { type GrpcStatusName, GrpcStatusError } from "./grpc-status.ts";
import { SimulatorError } from "./simulator-error.ts";

/** Answers the calls of one method; a throw of GrpcStatusError ends the call with that status. */
export type GrpcHandler = (request: Uint8Array, call: GrpcCall) => void | Promise<void>;

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Settings of a server. */
export interface GrpcServerOptions {
  /** By path, `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, GrpcHandler>;
  /** Tells a connection to go away after this many calls. */
  goawayAfterCalls(): number | undefined;
}

/** Longest request; vLLM's servicer has no limit. */
const maxRequestBytes = 256 * 1024 * 1024;
/** What a client may have in flight towards us per stream: prompts are small. */
const windowBytes = 1024 * 1024;
const prefixBytes = 5;

/**
 * A gRPC server over `node:http2`: unary and server-streaming calls, deadlines, cancellation. Kept this small so that
 * it can also do what a library will not: cut sockets, reset streams, send GOAWAY at a chosen moment.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  readonly #callsBySession = new WeakMap<Http2Session, number>();
  #openStreams = 0;
  #openSubscriptions = 0;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#server = createServer({ settings: { initialWindowSize: windowBytes } });
    this.#server.on("connection", (socket: Socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.setLocalWindowSize(4 * windowBytes);
      session.on("error", () => session.destroy());
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream, headers) => this.#accept(stream, headers));
    // A broken connection is the client's affair; its session closes.
    this.#server.on("sessionError", () => undefined);
  }

  /** Streams that have neither ended nor broken. */
  get openStreams(): number {
    return this.#openStreams;
  }

  /** Those of them that last as long as their client likes: subscriptions to events. */
  get openSubscriptions(): number {
    return this.#openSubscriptions;
  }

  /** Connections that are open. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** @throws SimulatorError listen_failed */
  listen(address: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const where = `${address.host}:${address.port}`;
        reject(new SimulatorError("listen_failed", `cannot listen on ${where}: ${cause.message}`, { cause }));
      });
      this.#server.listen(address.port, address.host, () => {
        const { port } = this.#server.address() as AddressInfo;
        resolve({ host: address.host, port });
      });
    });
  }

  /** Tells every client to use another connection; running calls go on. */
  goaway(): void {
    for (const session of this.#sessions) session.goaway();
  }

  /** Stops listening and cuts every connection at once, without a word. */
  kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.#sessions) session.destroy();
    return closed;
  }

  /** Stops listening, lets calls end for `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const session of this.#sessions) session.close();
    const timeout = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timeout);
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#openStreams++;
    stream.once("close", () => this.#openStreams--);
    if (headers[":path"]?.endsWith("/SubscribeKvEvents") === true) {
      this.#openSubscriptions++;
      stream.once("close", () => this.#openSubscriptions--);
    }
    const call = new Http2GrpcCall(stream, {
      timeoutMs: timeoutMs(headers["grpc-timeout"]),
      metadata: textHeaders(headers),
    });
    this.#countCall(stream.session);
    const path = headers[":path"] ?? "";
    const handler = this.#options.handlers.get(path);
    if (!headers["content-type"]?.startsWith("application/grpc")) {
      stream.respond({ ":status": 415 }, { endStream: true });
    } else if (handler === undefined) {
      call.end("UNIMPLEMENTED", "Method not found!");
    } else {
      readRequest(stream, call, (request) => runHandler(handler, request, call));
    }
  }

  #countCall(session: Http2Session | undefined): void {
    const limit = this.#options.goawayAfterCalls();
    if (session === undefined) return;
    const calls = (this.#callsBySession.get(session) ?? 0) + 1;
    this.#callsBySession.set(session, calls);
    if (limit !== undefined && calls === limit) session.goaway();
  }
}

function runHandler(handler: GrpcHandler, request: Uint8Array, call: GrpcCall): void {
  try {
    const result = handler(request, call);
    if (result instanceof Promise) result.catch((error: unknown) => endWithError(call, error));
  } catch (error) {
    endWithError(call, error);
  }
}

function endWithError(call: GrpcCall, error: unknown): void {
  const status: GrpcStatusName = error instanceof GrpcStatusError ? error.status : "INTERNAL";
  call.end(status, error instanceof Error ? error.message : String(error));
}

function readRequest(stream: ServerHttp2Stream, call: GrpcCall, done: (request: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxRequestBytes) call.end("RESOURCE_EXHAUSTED", "Received message larger than max");
    else chunks.push(chunk);
  });
  stream.once("end", () => {
    if (call.isOver) return;
    const body = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
    if (body.length < prefixBytes || body.length !== prefixBytes + body.readUInt32BE(1)) {
      call.end("INTERNAL", "Request is not exactly one gRPC message");
    } else if (body[0] !== 0) {
      call.end("UNIMPLEMENTED", "Compressed requests are not supported");
    } else {
      done(body.subarray(prefixBytes));
    }
  });
}

function textHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

function timeoutMs(header: string | string[] | undefined): number | undefined {
  const match = typeof header === "string" ? /^(\d{1,8})([HMSmun])$/.exec(header) : null;
  const unit = unitMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
