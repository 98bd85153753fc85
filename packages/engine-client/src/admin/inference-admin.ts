import {
  type ControlAbortResponse,
  type GetKvEventSourcesResponse,
  type ListLorasResponse,
  type LoadLoraResponse,
  type ModelInfo,
  type ServerInfo,
  ServingStatus,
  type StandardHealthCheckResponse,
  type UnloadLoraResponse,
} from "@vllm-router/proto/messages";
import { ControlClient, HealthClient } from "@vllm-router/proto/services";
import { channelCredentials, channelOptions } from "../transport/grpc-js-transport.ts";
import type { TransportOptions } from "../transport/transport-options.ts";
import { type AdminCallOptions, callUnary } from "./admin-call.ts";
import type { KvEventSource } from "./kv-event-source.ts";
import type { StandardHealth } from "./vllm-engine-admin.ts";

/** Full name of the service, as the standard health protocol wants it. */
const INFERENCE_SERVICE = "vllm.Inference";

/** What vllm.Control says of the model. Text is empty when it does not say. */
export interface InferenceModelInfo {
  /** Path or hub name. */
  readonly modelPath: string;
  /** Names under which clients ask for the model; the first is the one answers carry. */
  readonly servedModelNames: readonly string[];
  readonly supportsTokenIds: boolean;
  readonly supportsLora: boolean;
  /** The reasoning parser the engine was started with: it holds structured outputs back until the thought has ended. */
  readonly reasoningParser: string;
  readonly toolCallParser: string;
}

/** What vllm.Control says of the engine. Numbers are 0 when it does not say. */
export interface InferenceServerInfo {
  /** vLLM's version. */
  readonly version: string;
  readonly maxContextTokens: number;
  /** Tokens per KV block. */
  readonly kvBlockTokens: number;
  /** Requests it runs at once. */
  readonly maxRunningRequests: number;
  readonly dataParallelSize: number;
}

/** A LoRA adapter that an engine has loaded. */
export interface LoadedAdapter {
  readonly name: string;
  /** Where the engine loaded it from. */
  readonly path: string;
}

/** Everything of `vllm.Inference` engines but generation. Every call rejects with an EngineError. */
export class InferenceAdmin {
  readonly #control: ControlClient;
  readonly #health: HealthClient;

  constructor(options: TransportOptions) {
    const credentials = channelCredentials(options);
    this.#control = new ControlClient(options.address, credentials, channelOptions(options));
    this.#health = new HealthClient(options.address, credentials, {
      channelOverride: this.#control.getChannel(),
    });
  }

  /** The model and its names. */
  async getModelInfo(options: AdminCallOptions = {}): Promise<InferenceModelInfo> {
    const info = await callUnary<ModelInfo>((...call) => this.#control.getModelInfo({}, ...call), options);
    const names = [info.servedModelName, ...info.servedModelAliases].filter((name) => name !== "");
    return {
      modelPath: info.modelId,
      servedModelNames: [...new Set(names)],
      supportsTokenIds: info.supportsTokenIdsInput,
      supportsLora: info.supportsLora,
      reasoningParser: info.reasoningParser,
      toolCallParser: info.toolCallParser,
    };
  }

  /** The engine's version and limits. */
  async getServerInfo(options: AdminCallOptions = {}): Promise<InferenceServerInfo> {
    const info = await callUnary<ServerInfo>((...call) => this.#control.getServerInfo({}, ...call), options);
    return {
      version: info.engineVersion,
      maxContextTokens: info.maxModelLen,
      kvBlockTokens: info.kvBlockSize,
      maxRunningRequests: Number(info.maxRunningRequests),
      dataParallelSize: info.parallelism?.dataParallelSize ?? 0,
    };
  }

  /** Where KV-cache events are published, one source a rank; empty when the engine does not publish them. */
  async getKvEventSources(options: AdminCallOptions = {}): Promise<readonly KvEventSource[]> {
    const { sources } = await callUnary<GetKvEventSourcesResponse>(
      (...call) => this.#control.getKvEventSources({}, ...call),
      options,
    );
    return sources.map((source) => ({
      transport: source.transport,
      endpoint: source.endpoint,
      topic: source.topic,
      replayEndpoint: source.replayEndpoint,
      rank: source.dataParallelRank,
      encoding: source.encoding,
      schemaVersion: source.schemaVersion,
      replayBatches: Number(source.bufferSteps),
    }));
  }

  /** Adapters that are loaded, in the order in which they came. */
  async listLoras(options: AdminCallOptions = {}): Promise<readonly LoadedAdapter[]> {
    const { adapters } = await callUnary<ListLorasResponse>(
      (...call) => this.#control.listLoras({}, ...call),
      options,
    );
    return adapters.map(({ loraName, loraPath }) => ({ name: loraName, path: loraPath }));
  }

  /** Loads an adapter from the engine's machine. */
  async loadLora({ name, path }: LoadedAdapter, options: AdminCallOptions = {}): Promise<void> {
    await callUnary<LoadLoraResponse>(
      (...call) => this.#control.loadLora({ loraName: name, loraPath: path }, ...call),
      options,
    );
  }

  /** Gives an adapter up. */
  async unloadLora(name: string, options: AdminCallOptions = {}): Promise<void> {
    await callUnary<UnloadLoraResponse>(
      (...call) => this.#control.unloadLora({ loraName: name }, ...call),
      options,
    );
  }

  /** Aborts generations by their request ids; unknown ones are fine. */
  async abort(requestIds: readonly string[], options: AdminCallOptions = {}): Promise<void> {
    await callUnary<ControlAbortResponse>(
      (...call) => this.#control.abort({ requestIds: [...requestIds] }, ...call),
      options,
    );
  }

  /** Standard gRPC health of a service (default `vllm.Inference`); `rejected` when the server does not know it. */
  async standardHealth(
    service: string = INFERENCE_SERVICE,
    options: AdminCallOptions = {},
  ): Promise<StandardHealth> {
    const { status } = await callUnary<StandardHealthCheckResponse>(
      (...call) => this.#health.check({ service }, ...call),
      options,
    );
    if (status === ServingStatus.SERVING) return "serving";
    return status === ServingStatus.NOT_SERVING ? "not-serving" : "unknown";
  }

  /** Gives up the connection; running calls fail. */
  close(): void {
    this.#health.close();
    this.#control.close();
  }
}
