import { HTTP_CAPABILITIES } from "../../capabilities.ts";
import { EngineError } from "../../engine-error.ts";
import type {
  EngineCapabilities,
  GenerateCall,
  ProxyEngine,
  ProxyRequest,
  ProxySink,
  UpgradeSink,
} from "../../engine.ts";
import type { TransportOptions } from "../../transport/transport-options.ts";
import { startUpgrade } from "../upgrade-call.ts";
import { HttpConnectionPool } from "./http-connection-pool.ts";
import { NetForwardCall } from "./net-forward-call.ts";
import { requestHead } from "./request-head.ts";

/** The proxy dialect on an HTTP/1.1 client of our own over node:net and node:tls: passes requests on as they are. */
export class NetProxyEngine implements ProxyEngine {
  readonly capabilities: EngineCapabilities = HTTP_CAPABILITIES;
  readonly #pool: HttpConnectionPool;
  readonly #address: string;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#pool = new HttpConnectionPool(options);
    this.#address = options.address;
    this.#options = options;
  }

  forward(request: ProxyRequest, sink: ProxySink): GenerateCall {
    const { deadlineAtMs } = request;
    let refusal: EngineError | undefined;
    let headText = "";
    if (deadlineAtMs !== undefined && deadlineAtMs <= Date.now()) {
      refusal = new EngineError("deadline_exceeded", "the deadline had passed already", { notStarted: true });
    } else {
      try {
        headText = requestHead(request, this.#address);
      } catch (error) {
        refusal = error as EngineError;
      }
    }
    const call = new NetForwardCall({ request, headText, sink, pool: this.#pool });
    try {
      if (refusal === undefined) call.start();
    } catch (error) {
      refusal = error as EngineError;
    }
    if (refusal !== undefined) process.nextTick(() => call.fail(refusal));
    return call;
  }

  upgrade(request: ProxyRequest, sink: UpgradeSink): () => void {
    return startUpgrade(request, sink, this.#options);
  }

  /** Fails running calls with `unavailable` and closes all connections. */
  close(): void {
    this.#pool.close();
  }
}
