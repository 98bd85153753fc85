import { Metadata } from "@grpc/grpc-js";
import {
  type AbortResponse,
  type EmbedResponse,
  type FlushCacheResponse,
  type GetLoadsResponse,
  type GetModelInfoResponse,
  type GetServerInfoResponse,
  type HealthCheckResponse,
  type SchedulerLoad,
  ServingStatus,
  type StandardHealthCheckResponse,
} from "@vllm-router/proto/messages";
import { HealthClient, VllmEngineClient } from "@vllm-router/proto/services";
import { channelCredentials, channelOptions } from "../transport/grpc-js-transport.ts";
import type { TransportOptions } from "../transport/transport-options.ts";
import { type AdminCallOptions, callUnary, deadlineOf } from "./admin-call.ts";
import { type EngineModelInfo, type EngineServerInfo, modelInfoFrom, serverInfoFrom } from "./engine-info.ts";
import { type KvEventListener, type KvEventSubscription, listenToKvEvents } from "./kv-events.ts";
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

/** What the standard health service says. */
export type StandardHealth = "serving" | "not-serving" | "unknown";

/** An engine's load by data-parallel rank. */
export interface EngineLoads {
  /** vLLM's version. */
  readonly version: string;
  readonly loads: readonly SchedulerLoad[];
}

/** Everything of VllmEngine but generation. Every call rejects with an EngineError. */
export class VllmEngineAdmin {
  readonly #engine: VllmEngineClient;
  readonly #health: HealthClient;

  constructor(options: TransportOptions) {
    const credentials = channelCredentials(options);
    this.#engine = new VllmEngineClient(options.address, credentials, channelOptions(options));
    this.#health = new HealthClient(options.address, credentials, {
      channelOverride: this.#engine.getChannel(),
    });
  }

  /** Embeds one prompt; `rejected` on a model that generates. */
  async embed(
    request: { readonly requestId: string; readonly tokenIds: ArrayLike<number> },
    options: AdminCallOptions = {},
  ): Promise<Embedding> {
    const tokenized = { originalText: "", inputIds: Array.from(request.tokenIds) };
    const response = await callUnary<EmbedResponse>(
      (...call) => this.#engine.embed({ requestId: request.requestId, tokenized }, ...call),
      options,
    );
    return { values: response.embedding, promptTokens: response.promptTokens };
  }

  /** Aborts generations by their request ids; unknown ones are fine. */
  async abort(requestIds: readonly string[], options: AdminCallOptions = {}): Promise<void> {
    await callUnary<AbortResponse>(
      (...call) => this.#engine.abort({ requestIds: [...requestIds] }, ...call),
      options,
    );
  }

  /** The engine's own word on whether it is alive. */
  async healthCheck(
    options: AdminCallOptions = {},
  ): Promise<{ readonly healthy: boolean; readonly message: string }> {
    return callUnary<HealthCheckResponse>((...call) => this.#engine.healthCheck({}, ...call), options);
  }

  /** Standard gRPC health of a service (default VllmEngine); `rejected` when the server does not know it. */
  async standardHealth(
    service: string = VLLM_ENGINE_SERVICE,
    options: AdminCallOptions = {},
  ): Promise<StandardHealth> {
    const { status } = await callUnary<StandardHealthCheckResponse>(
      (...call) => this.#health.check({ service }, ...call),
      options,
    );
    if (status === ServingStatus.SERVING) return "serving";
    return status === ServingStatus.NOT_SERVING ? "not-serving" : "unknown";
  }

  /** The model, its limits and its sampling defaults. */
  async getModelInfo(options: AdminCallOptions = {}): Promise<EngineModelInfo> {
    return modelInfoFrom(
      await callUnary<GetModelInfoResponse>((...call) => this.#engine.getModelInfo({}, ...call), options),
    );
  }

  /** The engine's configuration. */
  async getServerInfo(options: AdminCallOptions = {}): Promise<EngineServerInfo> {
    return serverInfoFrom(
      await callUnary<GetServerInfoResponse>((...call) => this.#engine.getServerInfo({}, ...call), options),
    );
  }

  /** vLLM 0.32 answers for rank 0 alone. */
  async getLoads(options: AdminCallOptions = {}): Promise<EngineLoads> {
    const { version, loads } = await callUnary<GetLoadsResponse>(
      (...call) => this.#engine.getLoads({ include: [] }, ...call),
      options,
    );
    return { version, loads };
  }

  /**
   * Fetches the tokenizer's files; default deadline 120 s. `rejected` when the engine has none, `internal` when its
   * tokenizer is a hub id rather than a folder, `protocol` when the archive is damaged or beyond the limits.
   */
  async getTokenizer(options: AdminCallOptions & TokenizerBundleLimits = {}): Promise<TokenizerBundle> {
    const deadline = deadlineOf(options, TOKENIZER_TIMEOUT_MS);
    const stream = this.#engine.getTokenizer({}, new Metadata(), { deadline });
    return receiveTokenizerBundle(stream, options, options.signal);
  }

  /** Empties the prefix cache; waits at most `idleTimeoutSeconds` (default 0) for running requests to end. */
  async flushCache(
    options: AdminCallOptions & { readonly idleTimeoutSeconds?: number } = {},
  ): Promise<{ readonly success: boolean; readonly message: string }> {
    const request = { timeoutS: options.idleTimeoutSeconds ?? 0 };
    return callUnary<FlushCacheResponse>((...call) => this.#engine.flushCache(request, ...call), options);
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
    return listenToKvEvents(this.#engine.subscribeKvEvents(request), listener);
  }

  /** Gives up the connection; running calls fail. */
  close(): void {
    this.#health.close();
    this.#engine.close();
  }
}
