import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { ProxyHead, ProxyRequest, UpgradeSink } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import { timerDelay } from "../transport/grpc-timeout.ts";
import { nodeHttp } from "../transport/node-http.ts";
import type { TransportOptions } from "../transport/transport-options.ts";
import { requestHeadersToForward } from "./hop-by-hop.ts";
import { engineErrorFromHttp } from "./http-error.ts";

/** Bytes taken of an answer that refuses; the rest is cut off with the connection. */
const MAX_REFUSAL_BYTES = 1024 * 1024;

/**
 * Asks an engine to speak another protocol over a connection of its own. The deadline is for its answer; what is spoken
 * then may last as long as it likes.
 */
export function startUpgrade(
  request: ProxyRequest,
  sink: UpgradeSink,
  settings: TransportOptions,
): () => void {
  const call = new UpgradeCall(sink);
  // A sink is never called before upgrade() has returned.
  process.nextTick(() => {
    if (call.isOver) return;
    try {
      call.attach(openRequest(request, settings));
    } catch (error) {
      call.fail(engineErrorFromHttp(error));
    }
  });
  if (request.deadlineAtMs !== undefined) call.endAt(request.deadlineAtMs);
  return () => call.cancel();
}

function openRequest(request: ProxyRequest, settings: TransportOptions): ClientRequest {
  const { secure, address, tls } = settings;
  const { hostname, port } = new URL(`http://${address}`);
  const options = {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? undefined : port,
    path: request.path,
    method: request.method,
    headers: upgradeHeaders(request.headers, address),
    agent: false,
    timeout: settings.connectTimeoutMs,
    ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
  } as const;
  return (secure ? httpsRequest : nodeHttp.request)(options);
}

/** Name, value, name, value …, with the two headers that concern this connection and are meant. */
function upgradeHeaders(headers: readonly string[], address: string): string[] {
  const forwarded = requestHeadersToForward(headers);
  forwarded.push("Host", address, "Connection", "Upgrade");
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === "upgrade") forwarded.push("Upgrade", headers[index + 1] as string);
  }
  return forwarded;
}

class UpgradeCall {
  readonly #sink: UpgradeSink;
  #request: ClientRequest | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(sink: UpgradeSink) {
    this.#sink = sink;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  attach(request: ClientRequest): void {
    this.#request = request;
    request.on("upgrade", (response, socket, first) => {
      socket.setTimeout(0);
      if (this.#isOver) socket.destroy();
      else this.#settle(() => this.#sink.accepted(headOf(response), socket, first));
    });
    request.on("response", (response) => void this.#refused(response));
    request.on("timeout", () => {
      // Only while connecting: an engine may think about its answer until the deadline.
      if (request.socket?.connecting !== false) request.destroy(new Error("the connection took too long"));
    });
    request.on("error", (error) => this.fail(engineErrorFromHttp(error)));
    request.end();
  }

  endAt(deadlineAtMs: number): void {
    this.#deadlineTimer = setTimeout(
      () => this.fail(new EngineError("deadline_exceeded", "the engine did not answer before the deadline")),
      timerDelay(deadlineAtMs - Date.now()),
    );
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#settle(() => undefined);
    this.#request?.destroy();
  }

  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.#settle(() => this.#sink.error(error));
    this.#request?.destroy();
  }

  async #refused(response: IncomingMessage): Promise<void> {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    try {
      for await (const piece of response) {
        pieces.push(piece as Buffer);
        sizeBytes += (piece as Buffer).length;
        if (sizeBytes > MAX_REFUSAL_BYTES)
          throw new EngineError("protocol", "the engine's refusal is too large");
      }
    } catch (error) {
      this.fail(engineErrorFromHttp(error));
      return;
    }
    if (!this.#isOver) this.#settle(() => this.#sink.refused(headOf(response), Buffer.concat(pieces)));
  }

  #settle(tell: () => void): void {
    this.#isOver = true;
    clearTimeout(this.#deadlineTimer);
    tell();
  }
}

/** All headers: those of the connection belong to the other protocol's handshake. */
function headOf(response: IncomingMessage): ProxyHead {
  return { status: response.statusCode ?? 0, headers: response.rawHeaders };
}
