import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A gRPC server spoken by hand on node:http2, for what a library would never send. */
export interface RawEngine extends AsyncDisposable {
  readonly address: string;
  readonly sessions: readonly ServerHttp2Session[];
  /** Headers of every call so far. */
  readonly requests: readonly IncomingHttpHeaders[];
}

/** Answers one call. */
export type RawHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const HEAD = { ":status": 200, "content-type": "application/grpc" } as const;

/** Starts a server on 127.0.0.1. */
export async function startRawEngine(handle: RawHandler): Promise<RawEngine> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  const requests: IncomingHttpHeaders[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    requests.push(headers);
    stream.on("error", () => {});
    stream.resume();
    handle(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    sessions,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Sends the head of an answer. */
export function sendHead(stream: ServerHttp2Stream): void {
  stream.respond(HEAD, { waitForTrailers: true });
}

/** Sends pieces, each in a DATA frame of its own, and then a status. */
export function sendPieces(stream: ServerHttp2Stream, pieces: readonly Buffer[], status = "0"): void {
  sendHead(stream);
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  for (const piece of pieces) stream.write(piece);
  stream.end();
}

/** Sends an answer that is nothing but a status. */
export function sendStatus(stream: ServerHttp2Stream, status: string, message: string): void {
  stream.respond({ ...HEAD, "grpc-status": status, "grpc-message": message }, { endStream: true });
}
