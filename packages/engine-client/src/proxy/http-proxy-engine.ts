import { Readable } from "node:stream";
import type { Pool } from "undici";
import { HTTP_CAPABILITIES } from "../capabilities.ts";
import type { EngineCapabilities, GenerateCall, ProxyEngine, ProxyRequest, ProxySink } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import { TurnQueue } from "../transport/turn-queue.ts";
import { ForwardCall } from "./forward-call.ts";
import { requestHeadersToForward } from "./hop-by-hop.ts";
import { engineErrorFromHttp } from "./http-error.ts";

/**
 * The proxy dialect: passes requests to vLLM's HTTP server as they are. One connection per request in flight, kept for
 * the next one; how many there are is bounded by how many requests the caller starts.
 */
export class HttpProxyEngine implements ProxyEngine {
  readonly capabilities: EngineCapabilities = HTTP_CAPABILITIES;
  readonly #pool: Pool;
  readonly #turns = new TurnQueue();

  constructor(pool: Pool) {
    this.#pool = pool;
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
            headers: requestHeadersToForward(request.headers),
            body: bodyForPool(request.body),
          },
          call,
        );
      } catch (error) {
        call.fail(engineErrorFromHttp(error));
      }
    });
    return call;
  }
}

function bodyForPool(body: ProxyRequest["body"]): Uint8Array | Readable | null {
  if (body === undefined) return null;
  return body instanceof Uint8Array ? body : Readable.from(body);
}
