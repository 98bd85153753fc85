import type { GetModelInfoResponse, GetServerInfoResponse } from "@vllm-router/proto/messages";
import { EngineError } from "../engine-error.ts";

/** What an engine says about its model. Text is empty and numbers are 0 when it does not say. */
export interface EngineModelInfo {
  readonly modelPath: string;
  /** Names under which clients ask for the model; the first is the one answers carry. */
  readonly servedModelNames: readonly string[];
  /** A folder on the engine's machine or a hub id. */
  readonly tokenizerPath: string;
  readonly modelType: string;
  readonly architectures: readonly string[];
  /** False for a model that embeds. */
  readonly isGeneration: boolean;
  readonly supportsVision: boolean;
  readonly maxContextTokens: number;
  readonly vocabularySize: number;
  /** Those of config.json; generation_config.json may name more. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
  readonly bosTokenId: number;
  /** What generation_config.json sets of temperature, top_p, top_k, min_p and repetition_penalty. */
  readonly defaultSamplingParameters: Readonly<Record<string, number>>;
}

/** What an engine says about itself. Text is empty and numbers are 0 when it does not say. */
export interface EngineServerInfo {
  readonly serverType: string;
  readonly dataParallelSize: number;
  /** Tokens per KV block. */
  readonly kvBlockTokens: number;
  /** Requests it runs at once. */
  readonly maxRunningRequests: number;
  readonly kvConnector: string;
  readonly kvRole: string;
  readonly kvEngineId: string;
  readonly kvCacheDataType: string;
  /** Such as `torch.bfloat16`. */
  readonly modelDataType: string;
  readonly attentionBackend: string;
  /** Engines whose values differ must not hand KV blocks to each other. */
  readonly pairingProtocol: string;
  /** The reasoning parser the engine itself runs for structured outputs. */
  readonly reasoningParser: string;
  /** "first_token" or "after_reasoning". */
  readonly constrainedDecodingStart: string;
}

/** Reads VllmEngine's model info. */
export function modelInfoFrom(response: GetModelInfoResponse): EngineModelInfo {
  return {
    modelPath: response.modelPath,
    servedModelNames: servedNames(response.servedModelName),
    tokenizerPath: response.tokenizerPath,
    modelType: response.modelType,
    architectures: response.architectures,
    isGeneration: response.isGeneration,
    supportsVision: response.supportsVision,
    maxContextTokens: response.maxContextLength,
    vocabularySize: response.vocabSize,
    eosTokenIds: response.eosTokenIds,
    padTokenId: response.padTokenId,
    bosTokenId: response.bosTokenId,
    defaultSamplingParameters: samplingDefaults(response.defaultSamplingParamsJson),
  };
}

/** Reads VllmEngine's server info. */
export function serverInfoFrom(response: GetServerInfoResponse): EngineServerInfo {
  return {
    serverType: response.serverType,
    dataParallelSize: response.dataParallelSize,
    kvBlockTokens: response.blockSize,
    maxRunningRequests: response.maxNumSeqs,
    kvConnector: response.kvConnector,
    kvRole: response.kvRole,
    kvEngineId: response.kvEngineId,
    kvCacheDataType: response.kvCacheDtype,
    modelDataType: response.modelDtype,
    attentionBackend: response.attentionBackend,
    pairingProtocol: response.pairingProtocol,
    reasoningParser: response.engineReasoningParser,
    constrainedDecodingStart: response.constrainedDecodingStart,
  };
}

/** With several served names the engine sends the text of a Python list. */
function servedNames(text: string): readonly string[] {
  if (text === "") return [];
  if (!/^\[.*\]$/s.test(text)) return [text];
  const names = [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? "");
  return names.length === 0 ? [text] : names;
}

function samplingDefaults(json: string): Readonly<Record<string, number>> {
  if (json === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new EngineError("protocol", "the engine's default_sampling_params_json is not JSON", { cause });
  }
  const defaults: Record<string, number> = {};
  for (const [name, value] of Object.entries(parsed ?? {}))
    if (typeof value === "number") defaults[name] = value;
  return defaults;
}
