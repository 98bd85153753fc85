import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a {@link HttpWorker} answers to everything but the questions of registration. */
export type WorkerHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) => void | Promise<void>;

/** A worker that speaks HTTP and does what a test says. */
export interface HttpWorker extends AsyncDisposable {
  readonly url: string;
  /** Requests other than those of registration, as `METHOD /path`. */
  readonly requests: readonly string[];
  handler: WorkerHandler;
  /** Stops listening and cuts every connection. */
  kill(): Promise<void>;
}

/** Starts a worker that serves models of such names, and adapters; the list is read anew at each question. */
export async function startHttpWorker(
  modelNames: readonly (string | { readonly id: string; readonly parent: string })[],
  handler: WorkerHandler,
): Promise<HttpWorker> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const models = (): string =>
    JSON.stringify({
      object: "list",
      data: modelNames.map((model) =>
        typeof model === "string"
          ? { id: model, object: "model", root: model, max_model_len: 1000 }
          : { ...model, object: "model", root: `/adapters/${model.id}` },
      ),
    });
  const server = createServer((request, response) => {
    if (request.url === "/health") {
      response.end();
    } else if (request.url === "/v1/models") {
      response.writeHead(200, { "content-type": "application/json" }).end(models());
    } else if (request.url === "/version") {
      response.writeHead(200, { "content-type": "application/json" }).end('{"version":"0.32.0"}');
    } else if (request.url === "/kv_event_sources") {
      // As vLLM before it published them so.
      response.writeHead(404).end();
    } else {
      requests.push(`${request.method} ${request.url}`);
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (body += chunk));
      request.on("end", () => void worker.handler(request, response, body));
    }
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const kill = (): Promise<void> => {
    for (const socket of sockets) {
      socket.destroy();
    }
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  };
  const worker: HttpWorker = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    handler,
    kill,
    [Symbol.asyncDispose]: kill,
  };
  return worker;
}
