import { HealthDefinition, type SchedulerLoad, VllmEngineDefinition } from "@vllm-router/proto/messages";
import type { StreamTransport } from "../transport/stream-transport.ts";
import { type AdminCallOptions, deadlineOf } from "./admin-call.ts";
import { type EngineModelInfo, type EngineServerInfo, modelInfoFrom, serverInfoFrom } from "./engine-info.ts";
import type { KvEventListener, KvEventSubscription } from "./kv-events.ts";
import { ServiceClient } from "./service-client.ts";
import { askStandardHealth, type StandardHealth } from "./standard-health.ts";
import {
  receiveTokenizerBundle,
  type TokenizerBundle,
  type TokenizerBundleLimits,
} from "./tokenizer-bundle.ts";

/** Full name of the service, as the standard health protocol wants it. */
const VLLM_ENGINE_SERVICE = "vllm.grpc.engine.VllmEngine";

const TOKENIZER_TIMEOUT_MS = 120_000;

/** An embedding of one prompt. */
export interface Embedding {
  readonly values: readonly number[];
  readonly promptTokens: number;
}

/** An engine's load by data-parallel rank. */
export interface EngineLoads {
  /** vLLM's version. */
  readonly version: string;
  readonly loads: readonly SchedulerLoad[];
}

/** Everything of VllmEngine but generation. Every call rejects with an EngineError. */
export class VllmEngineAdmin {
  readonly #transport: StreamTransport;
  readonly #engine: ServiceClient<VllmEngineDefinition>;
  readonly #health: ServiceClient<HealthDefinition>;

  /** The transport is its own from now on. */
  constructor(transport: StreamTransport) {
    this.#transport = transport;
    this.#engine = new ServiceClient(transport, VllmEngineDefinition);
    this.#health = new ServiceClient(transport, HealthDefinition);
  }

  /** Embeds one prompt; `rejected` on a model that generates. */
  async embed(
    request: { readonly requestId: string; readonly tokenIds: ArrayLike<number> },
    options: AdminCallOptions = {},
  ): Promise<Embedding> {
    const tokenized = { originalText: "", inputIds: Array.from(request.tokenIds) };
    const response = await this.#engine.call(
      { method: "embed", request: { requestId: request.requestId, tokenized } },
      options,
    );
    return { values: response.embedding, promptTokens: response.promptTokens };
  }

  /** Aborts generations by their request ids; unknown ones are fine. */
  async abort(requestIds: readonly string[], options: AdminCallOptions = {}): Promise<void> {
    await this.#engine.call({ method: "abort", request: { requestIds: [...requestIds] } }, options);
  }

  /** The engine's own word on whether it is alive. */
  async healthCheck(
    options: AdminCallOptions = {},
  ): Promise<{ readonly healthy: boolean; readonly message: string }> {
    return this.#engine.call({ method: "healthCheck", request: {} }, options);
  }

  /** Standard gRPC health of a service (default VllmEngine); `rejected` when the server does not know it. */
  async standardHealth(
    service: string = VLLM_ENGINE_SERVICE,
    options: AdminCallOptions = {},
  ): Promise<StandardHealth> {
    return askStandardHealth(this.#health, service, options);
  }

  /** The model, its limits and its sampling defaults. */
  async getModelInfo(options: AdminCallOptions = {}): Promise<EngineModelInfo> {
    return modelInfoFrom(await this.#engine.call({ method: "getModelInfo", request: {} }, options));
  }

  /** The engine's configuration. */
  async getServerInfo(options: AdminCallOptions = {}): Promise<EngineServerInfo> {
    return serverInfoFrom(await this.#engine.call({ method: "getServerInfo", request: {} }, options));
  }

  /** vLLM 0.32 answers for rank 0 alone. */
  async getLoads(options: AdminCallOptions = {}): Promise<EngineLoads> {
    const { version, loads } = await this.#engine.call(
      { method: "getLoads", request: { include: [] } },
      options,
    );
    return { version, loads };
  }

  /**
   * Fetches the tokenizer's files; default deadline 120 s. `rejected` when the engine has none, `internal` when its
   * tokenizer is a hub id rather than a folder, `protocol` when the archive is damaged or beyond the limits.
   */
  async getTokenizer(options: AdminCallOptions & TokenizerBundleLimits = {}): Promise<TokenizerBundle> {
    const limits = { ...options, deadlineAtMs: deadlineOf(options, TOKENIZER_TIMEOUT_MS) };
    return receiveTokenizerBundle(
      (listener) => this.#engine.listen({ method: "getTokenizer", request: {} }, limits, listener),
      options,
    );
  }

  /** Empties the prefix cache; waits at most `idleTimeoutSeconds` (default 0) for running requests to end. */
  async flushCache(
    options: AdminCallOptions & { readonly idleTimeoutSeconds?: number } = {},
  ): Promise<{ readonly success: boolean; readonly message: string }> {
    const request = { timeoutS: options.idleTimeoutSeconds ?? 0 };
    return this.#engine.call({ method: "flushCache", request }, options);
  }

  /**
   * Listens to KV-cache events and load records from now on. Ends with `unimplemented` when the engine does not publish
   * them. vLLM 0.32 serves rank 0 alone and ignores `startSequenceNumber`.
   */
  subscribeKvEvents(
    listener: KvEventListener,
    options: { readonly startSequenceNumber?: bigint } = {},
  ): KvEventSubscription {
    const request = {
      startSequenceNumber: options.startSequenceNumber ?? 0n,
      loadRecordsBeforeFirstBatch: true,
    };
    return this.#engine.listen(
      { method: "subscribeKvEvents", request },
      {},
      { message: (batch) => listener.batch(batch), end: (error) => listener.end(error) },
    );
  }

  /** Gives up the connection; running calls fail with `unavailable`. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}
