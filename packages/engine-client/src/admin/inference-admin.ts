import { ControlDefinition, HealthDefinition } from "@vllm-router/proto/messages";
import type { StreamTransport } from "../transport/stream-transport.ts";
import type { AdminCallOptions } from "./admin-call.ts";
import type { KvEventSource } from "./kv-event-source.ts";
import { ServiceClient } from "./service-client.ts";
import { askStandardHealth, type StandardHealth } from "./standard-health.ts";

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
  readonly #transport: StreamTransport;
  readonly #control: ServiceClient<ControlDefinition>;
  readonly #health: ServiceClient<HealthDefinition>;

  /** The transport is its own from now on. */
  constructor(transport: StreamTransport) {
    this.#transport = transport;
    this.#control = new ServiceClient(transport, ControlDefinition);
    this.#health = new ServiceClient(transport, HealthDefinition);
  }

  /** The model and its names. */
  async getModelInfo(options: AdminCallOptions = {}): Promise<InferenceModelInfo> {
    const info = await this.#control.call({ method: "getModelInfo", request: {} }, options);
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
    const info = await this.#control.call({ method: "getServerInfo", request: {} }, options);
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
    const { sources } = await this.#control.call({ method: "getKvEventSources", request: {} }, options);
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
    const { adapters } = await this.#control.call({ method: "listLoras", request: {} }, options);
    return adapters.map(({ loraName, loraPath }) => ({ name: loraName, path: loraPath }));
  }

  /** Loads an adapter from the engine's machine. */
  async loadLora({ name, path }: LoadedAdapter, options: AdminCallOptions = {}): Promise<void> {
    await this.#control.call({ method: "loadLora", request: { loraName: name, loraPath: path } }, options);
  }

  /** Gives an adapter up. */
  async unloadLora(name: string, options: AdminCallOptions = {}): Promise<void> {
    await this.#control.call({ method: "unloadLora", request: { loraName: name } }, options);
  }

  /** Aborts generations by their request ids; unknown ones are fine. */
  async abort(requestIds: readonly string[], options: AdminCallOptions = {}): Promise<void> {
    await this.#control.call({ method: "abort", request: { requestIds: [...requestIds] } }, options);
  }

  /** Standard gRPC health of a service (default `vllm.Inference`); `rejected` when the server does not know it. */
  async standardHealth(
    service: string = INFERENCE_SERVICE,
    options: AdminCallOptions = {},
  ): Promise<StandardHealth> {
    return askStandardHealth(this.#health, service, options);
  }

  /** Gives up the connection; running calls fail with `unavailable`. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}
