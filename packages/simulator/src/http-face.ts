import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  ApiError,
  badRequestError,
  detokenizeBody,
  errorBody,
  internalError,
  METHOD_NOT_ALLOWED_BODY,
  modelListBody,
  NOT_FOUND_BODY,
  parseDetokenizeRequest,
  parseRequestBody,
  parseTokenizeRequest,
  serviceUnavailableError,
  tokenizeBody,
  versionBody,
} from "@vllm-router/api";
import { TextError } from "@vllm-router/text";
import { imitatedVersion } from "./engine-service.ts";
import type { ListenAddress } from "./grpc-server.ts";
import { GrpcStatusError } from "./grpc-status.ts";
import { answerGeneration, checkModel, type HttpContext } from "./http-answer.ts";
import { kvEventSourcesBody } from "./kv-event-sources.ts";
import { metricsText } from "./http-metrics.ts";
import { SimulatorError } from "./simulator-error.ts";

type Handler = (
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>;

const maxBodyBytes = 64 * 1024 * 1024;

const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/health": { GET: health },
  "/ping": { GET: health, POST: health },
  "/version": {
    GET: (_context, _request, response) => sendJson(response, 200, versionBody(imitatedVersion)),
  },
  "/metrics": {
    GET: ({ engine, servedModelNames }, _request, response) => {
      response.writeHead(200, { "content-type": "text/plain; version=1.0.0; charset=utf-8" });
      response.end(metricsText(engine(), servedModelNames[0] ?? ""));
    },
  },
  "/kv_event_sources": {
    GET: ({ kvEventSources }, _request, response) =>
      sendJson(response, 200, JSON.stringify(kvEventSourcesBody(kvEventSources()))),
  },
  "/v1/models": { GET: models },
  "/tokenize": { POST: tokenize },
  "/detokenize": { POST: detokenize },
  "/v1/completions": {
    POST: async (...call) => answerGeneration("completion", await readBody(call[1]), call),
  },
  "/v1/chat/completions": {
    POST: async (...call) => answerGeneration("chat", await readBody(call[1]), call),
  },
};

/** The small HTTP side of an engine: what a router needs of a plain `vllm serve` worker. */
export class HttpFace {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(context: HttpContext) {
    this.#server = createServer((request, response) => dispatch(context, request, response));
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
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

  /** Stops listening and cuts every connection. */
  kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    return closed;
  }

  /** Stops listening, lets answers end for `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    const timeout = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timeout);
  }
}

function dispatch(context: HttpContext, request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const methods = routes[path];
  const handler = methods?.[request.method === "HEAD" ? "GET" : (request.method ?? "")];
  if (methods === undefined) return sendJson(response, 404, NOT_FOUND_BODY);
  if (handler === undefined) {
    response.setHeader("allow", Object.keys(methods).join(", "));
    return sendJson(response, 405, METHOD_NOT_ALLOWED_BODY);
  }
  const fail = (cause: unknown): void => {
    const error = apiError(cause);
    if (response.headersSent) response.destroy();
    else sendJson(response, error.status, errorBody(error));
  };
  try {
    void Promise.resolve(handler(context, request, response)).catch(fail);
  } catch (error) {
    fail(error);
  }
}

function apiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  if (cause instanceof TextError) return badRequestError(cause.message);
  if (cause instanceof GrpcStatusError) {
    if (cause.status === "UNAVAILABLE") return serviceUnavailableError(cause.message);
    if (cause.status === "INVALID_ARGUMENT") return badRequestError(cause.message);
  }
  return internalError(cause instanceof Error ? cause.message : String(cause), cause);
}

async function readBody(request: IncomingMessage): Promise<ReturnType<typeof parseRequestBody>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) throw badRequestError(`the request body is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return parseRequestBody(request.headers["content-type"], Buffer.concat(chunks));
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body);
}

function health({ isServing }: HttpContext, _request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(isServing() ? 200 : 503);
  response.end();
}

function models(context: HttpContext, _request: IncomingMessage, response: ServerResponse): void {
  const { engine, servedModelNames, clock, randomId } = context;
  const { maxModelLen, model } = engine().options;
  const created = Math.floor(clock.epochMs() / 1000);
  const cards = servedModelNames.map((id) => ({
    id,
    created,
    root: model.path,
    parent: null,
    maxModelLength: maxModelLen,
    permissionId: randomId(),
  }));
  sendJson(response, 200, modelListBody(cards));
}

async function tokenize(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = parseTokenizeRequest(await readBody(request));
  checkModel(context, body.model);
  const { tokenizer } = context.engine().options.model;
  const text = body.kind === "chat" ? context.chatPrompts.render(body) : body.prompt;
  const tokenIds = tokenizer.encode(text, body.addSpecialTokens);
  const tokenStrings =
    body.returnTokenStrs === true ? [...tokenIds].map((id) => tokenizer.tokenPiece(id) ?? "") : undefined;
  const { maxModelLen } = context.engine().options;
  sendJson(response, 200, tokenizeBody({ tokenIds, maxModelLength: maxModelLen, tokenStrings }));
}

async function detokenize(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = parseDetokenizeRequest(await readBody(request));
  checkModel(context, body.model);
  const { tokenizer } = context.engine().options.model;
  const text = tokenizer.decode(body.tokens.map(Number), { skipSpecialTokens: false });
  sendJson(response, 200, detokenizeBody(text));
}
