import { Readable } from "node:stream";
import type { Pool } from "undici";
import { HTTP_CAPABILITIES } from "../capabilities.ts";
import type {
  EngineCapabilities,
  GenerateCall,
  ProxyEngine,
  ProxyRequest,
  ProxySink,
  StreamedBody,
  UpgradeSink,
} from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { TransportOptions } from "../transport/transport-options.ts";
import { TurnQueue } from "../transport/turn-queue.ts";
import { ForwardCall } from "./forward-call.ts";
import { requestHeadersToForward } from "./hop-by-hop.ts";
import { engineErrorFromHttp } from "./http-error.ts";
import { startUpgrade } from "./upgrade-call.ts";

/**
 * The proxy dialect: passes requests to vLLM's HTTP server as they are. One connection per request in flight, kept for
 * the next one; how many there are is bounded by how many requests the caller starts.
 */
export class HttpProxyEngine implements ProxyEngine {
  readonly capabilities: EngineCapabilities = HTTP_CAPABILITIES;
  readonly #pool: Pool;
  readonly #settings: TransportOptions;
  readonly #turns = new TurnQueue();

  constructor(pool: Pool, settings: TransportOptions) {
    this.#pool = pool;
    this.#settings = settings;
  }

  forward(request: ProxyRequest, sink: ProxySink): GenerateCall {
    const call = new ForwardCall(sink, this.#turns);
    const { deadlineAtMs } = request;
    if (deadlineAtMs !== undefined && deadlineAtMs <= Date.now()) {
      const error = new EngineError("deadline_exceeded", "the deadline had passed already", {
        notStarted: true,
      });
      process.nextTick(() => call.fail(error));
      return call;
    }
    if (deadlineAtMs !== undefined) call.endAt(deadlineAtMs);
    // The client reports bad arguments at once, but a sink is never called before forward() has returned.
    process.nextTick(() => {
      if (call.isOver) return;
      try {
        this.#pool.dispatch(
          {
            method: request.method,
            path: request.path,
            headers: headersOf(request),
            body: bodyOf(request),
          },
          call,
        );
      } catch (error) {
        call.fail(engineErrorFromHttp(error));
      }
    });
    return call;
  }

  upgrade(request: ProxyRequest, sink: UpgradeSink): () => void {
    return startUpgrade(request, sink, this.#settings);
  }
}

/** A body whose length is known is not sent in chunks. */
function headersOf({ headers, body }: ProxyRequest): string[] {
  const forwarded = requestHeadersToForward(headers);
  if (isStreamed(body) && body.lengthBytes !== undefined) {
    forwarded.push("content-length", String(body.lengthBytes));
  }
  return forwarded;
}

function bodyOf({ body }: ProxyRequest): Uint8Array | Readable | null {
  if (body === undefined) return null;
  return isStreamed(body) ? Readable.from(body.open(), { objectMode: false }) : body;
}

function isStreamed(body: ProxyRequest["body"]): body is StreamedBody {
  return body !== undefined && !(body instanceof Uint8Array);
}
