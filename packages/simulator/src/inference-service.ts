import {
  ControlAbortRequest,
  ControlAbortResponse,
  GetKvEventSourcesResponse,
  InferenceGenerateRequest,
  ListLorasResponse,
  LoadLoraRequest,
  LoadLoraResponse,
  type LoraAdapter,
  ModelInfo,
  type PromptInfo,
  ServerInfo,
  UnloadLoraRequest,
  UnloadLoraResponse,
} from "@vllm-router/proto/messages";
import { generate, imitatedVersion, type EngineServiceContext } from "./engine-service.ts";
import type { Engine } from "./engine.ts";
import type { GrpcCall } from "./grpc-call.ts";
import type { GrpcHandler } from "./grpc-server.ts";
import { InferenceCall, type InferenceCallOptions } from "./inference-call.ts";
import type { NamedKvEventSource } from "./kv-event-sources.ts";
import { candidateCount, engineRequestOf } from "./inference-request.ts";

/** Handlers of `vllm.Inference` and `vllm.Control` by path, as vllm-rs 0.32 serves them. */
export function inferenceServiceHandlers(context: EngineServiceContext): [string, GrpcHandler][] {
  const adapters = adaptersOf(context.loras);
  const generating =
    (isStream: boolean): GrpcHandler =>
    (request, call) =>
      generateText(context, InferenceGenerateRequest.decode(request), { call, isStream, adapters });
  return [
    ["/vllm.Inference/Generate", generating(false)],
    ["/vllm.Inference/GenerateStream", generating(true)],
    [
      "/vllm.Control/GetServerInfo",
      (_, call) => reply(call, ServerInfo.encode(serverInfo(context.engine())).finish()),
    ],
    ["/vllm.Control/GetModelInfo", (_, call) => reply(call, ModelInfo.encode(modelInfo(context)).finish())],
    [
      "/vllm.Control/ListLoras",
      (_, call) => reply(call, ListLorasResponse.encode({ adapters: [...adapters.values()] }).finish()),
    ],
    [
      "/vllm.Control/LoadLora",
      (request, call) => {
        const { loraName, loraPath } = LoadLoraRequest.decode(request);
        if (adapters.has(loraName)) {
          call.end("ALREADY_EXISTS", `LoRA adapter \`${loraName}\` is already loaded`);
          return;
        }
        const adapter: LoraAdapter = { loraId: BigInt(adapters.size + 2), loraName, loraPath };
        adapters.set(loraName, adapter);
        reply(call, LoadLoraResponse.encode({ adapter }).finish());
      },
    ],
    [
      "/vllm.Control/UnloadLora",
      (request, call) => {
        const { loraName } = UnloadLoraRequest.decode(request);
        if (!adapters.delete(loraName)) {
          call.end("NOT_FOUND", `LoRA adapter \`${loraName}\` is not loaded`);
          return;
        }
        reply(call, UnloadLoraResponse.encode({}).finish());
      },
    ],
    [
      "/vllm.Control/GetKvEventSources",
      (_, call) =>
        reply(call, GetKvEventSourcesResponse.encode(kvEventSources(context.kvEventSources())).finish()),
    ],
    [
      "/vllm.Control/Abort",
      (request, call) => {
        const { requestIds } = ControlAbortRequest.decode(request);
        for (const id of requestIds) context.countAborts(context.engine().abort(id));
        reply(call, ControlAbortResponse.encode({}).finish());
      },
    ],
  ];
}

/** Adapters that an engine has from its start, as `--lora-modules` loads them. */
function adaptersOf(names: readonly string[] = []): Map<string, LoraAdapter> {
  return new Map(
    names.map((loraName, at) => [
      loraName,
      { loraId: BigInt(at + 2), loraName, loraPath: `/adapters/${loraName}` },
    ]),
  );
}

function reply(call: GrpcCall, message: Uint8Array): void {
  call.write(message);
  call.end("OK");
}

function generateText(
  context: EngineServiceContext,
  request: InferenceGenerateRequest,
  answer: {
    readonly call: GrpcCall;
    readonly isStream: boolean;
    readonly adapters: ReadonlyMap<string, LoraAdapter>;
  },
): void {
  const { call, isStream } = answer;
  const engine = context.engine();
  const { maxLogprobs, model } = engine.options;
  const asked = engineRequestOf(request, {
    servedModelNames: context.servedModelNames,
    loraNames: context.loras === undefined ? undefined : [...answer.adapters.keys()],
    maxLogprobs,
    isStream,
    rank: call.metadata["x-data-parallel-rank"],
  });
  // The prompt's logprobs are told here, with their ranks.
  if (asked.samplingParams !== undefined) asked.samplingParams.promptLogprobs = undefined;
  const promptIds =
    asked.input?.$case === "tokenized"
      ? asked.input.value.inputIds
      : [...model.tokenizer.encode(asked.input?.value ?? "", true)];
  const { response } = request;
  generate(
    context,
    { request: asked, inference: request },
    new InferenceCall({
      call,
      isStream,
      promptInfo: promptInfoOf(engine, promptIds, request),
      candidates: candidateCount(response?.outputCandidates, maxLogprobs),
      eosTokenId: model.eosId,
      named: namedLogprobs(engine, promptIds, request),
    }),
  );
}

/** Follows a sequence and tells, for each of its tokens, the logprobs of that one and of the named ones. */
function namedLogprobs(
  { tokenModel }: Engine,
  promptIds: readonly number[],
  { response }: InferenceGenerateRequest,
): InferenceCallOptions["named"] {
  const select = response?.outputCandidates?.select;
  if (select?.$case !== "tokenIds") return undefined;
  const { ids } = select.value;
  const state = tokenModel.start();
  for (const id of promptIds) tokenModel.advance(state, id);
  return (tokenId) => {
    const wanted = [tokenId, ...ids.filter((id) => id !== tokenId)];
    const tokens = wanted.map((id) => ({ id, logprob: tokenModel.logprob(state, id) }));
    tokenModel.advance(state, tokenId);
    return tokens;
  };
}

function promptInfoOf(
  engine: Engine,
  promptIds: readonly number[],
  { response }: InferenceGenerateRequest,
): PromptInfo {
  const { maxLogprobs, model } = engine.options;
  const info: PromptInfo = {
    numPromptTokens: promptIds.length,
    tokenIds: response?.promptTokenIds === true ? [...promptIds] : [],
    logprobs: [],
    ranks: [],
    candidateTokens: [],
  };
  if (response?.promptLogprobs !== true) return info;
  const count = candidateCount(response.promptCandidates, maxLogprobs);
  const state = engine.tokenModel.start();
  for (const [position, id] of promptIds.entries()) {
    const ranking = position === 0 ? [] : engine.tokenModel.ranked(state, model.vocabularySize);
    const place = ranking.findIndex((token) => token.id === id);
    info.logprobs.push(position === 0 ? 0 : engine.tokenModel.logprob(state, id));
    info.ranks.push(position === 0 ? 0 : place < 0 ? model.vocabularySize : place + 1);
    if (count > 0) {
      const tokens = ranking.slice(0, count).map((token, at) => ({ ...token, rank: at + 1 }));
      info.candidateTokens.push({ tokens });
    }
    engine.tokenModel.advance(state, id);
  }
  return info;
}

function serverInfo(engine: Engine): ServerInfo {
  const { limits, dataParallelSize, maxModelLen } = engine.options;
  return ServerInfo.fromPartial({
    engineVersion: imitatedVersion,
    apiVersion: "vllm",
    instanceId: String(engine.options.kvRootHash),
    parallelism: {
      tensorParallelSize: 1,
      pipelineParallelSize: 1,
      dataParallelSize,
      decodeContextParallelSize: 1,
    },
    maxModelLen,
    kvBlockSize: limits.blockSize,
    totalKvBlocks: BigInt(limits.kvBlocks),
    maxRunningRequests: BigInt(limits.maxNumSeqs),
    maxBatchedTokens: BigInt(limits.maxNumBatchedTokens),
  });
}

function kvEventSources(sources: readonly NamedKvEventSource[]): GetKvEventSourcesResponse {
  return GetKvEventSourcesResponse.fromPartial({
    sources: sources.map((source) => ({
      transport: "zmq",
      endpoint: source.endpoint,
      topic: source.topic,
      replayEndpoint: source.replayEndpoint ?? "",
      dataParallelRank: source.rank,
      encoding: "msgpack",
      schemaVersion: 1,
      bufferSteps: BigInt(source.bufferSteps),
      hwm: 100_000n,
      maxQueueSize: 100_000n,
    })),
  });
}

function modelInfo({ engine, servedModelNames, loras }: EngineServiceContext): ModelInfo {
  const [first = "", ...aliases] = servedModelNames;
  return ModelInfo.fromPartial({
    modelId: engine().options.model.path,
    servedModelName: first,
    servedModelAliases: aliases,
    supportsTextInput: true,
    supportsTokenIdsInput: true,
    supportsLora: loras !== undefined,
  });
}
