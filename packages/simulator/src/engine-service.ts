import {
  AbortRequest,
  AbortResponse,
  FlushCacheRequest,
  FlushCacheResponse,
  GenerateRequest,
  GetLoadsResponse,
  GetModelInfoResponse,
  GetServerInfoResponse,
  GetTokenizerChunk,
  HealthCheckResponse,
  type InferenceGenerateRequest,
  StartProfileRequest,
  SubscribeKvEventsRequest,
} from "@vllm-router/proto/messages";
import type { Clock } from "./clock.ts";
import type { EmbedService } from "./embed-service.ts";
import type { Engine } from "./engine.ts";
import type { Faults } from "./faults.ts";
import { GenerateCall } from "./generate-call.ts";
import type { GrpcCall } from "./grpc-call.ts";
import type { GrpcHandler } from "./grpc-server.ts";
import { GrpcStatusError } from "./grpc-status.ts";
import type { NamedKvEventSource } from "./kv-event-sources.ts";
import type { KvConnectorSide } from "./kv-connector-side.ts";
import type { KvEventHub } from "./kv-event-hub.ts";
import { schedulerLoad } from "./load-record.ts";
import { planRequest } from "./request-plan.ts";
import { refuse } from "./sampling.ts";
import type { TokenizerBundle } from "./tokenizer-bundle.ts";

/** One line of the log of Generate calls that tests read. */
export interface RequestRecord {
  readonly id: string;
  readonly request: GenerateRequest;
  /** The request as it came, when it came as `vllm.Inference`. */
  readonly inference: InferenceGenerateRequest | undefined;
  readonly receivedAtMs: number;
}

/** What the VllmEngine service works on. */
export interface EngineServiceContext {
  readonly servedModelNames: readonly string[];
  /** LoRA adapters from the start; undefined for an engine without LoRA. */
  readonly loras?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly hub: KvEventHub;
  readonly publishesKvEvents: boolean;
  /** Its ZMQ publishers. */
  readonly kvEventSources: () => readonly NamedKvEventSource[];
  /** Whether the model embeds instead of generating. */
  readonly pools: boolean;
  readonly embed: EmbedService;
  readonly engine: () => Engine;
  /** See {@link SimulatorOptions.reasoningParser}. */
  readonly reasoningParser?: string | undefined;
  /** Undefined for an engine without a KV connector. */
  readonly kvConnector: () => KvConnectorSide | undefined;
  readonly tokenizerBundle: () => Promise<TokenizerBundle>;
  readonly recordRequest: (record: RequestRecord) => void;
  /** Requests ended by an Abort call or by their client. */
  readonly countAborts: (count: number) => void;
}

const service = "/vllm.grpc.engine.VllmEngine/";
const chunkBytes = 64 * 1024;
const flushRetryMs = 100;
/** The vLLM version whose behaviour is imitated. */
export const imitatedVersion = "0.32.0";

/** Handlers of `vllm.grpc.engine.VllmEngine` by path. */
export function engineServiceHandlers(context: EngineServiceContext): [string, GrpcHandler][] {
  const handlers: Record<string, GrpcHandler> = {
    Generate: (request, call) => generate(context, { request: GenerateRequest.decode(request) }, call),
    Embed: (request, call) => context.embed.handle(request, call),
    HealthCheck: (_, call) =>
      reply(call, HealthCheckResponse.encode({ healthy: true, message: "Health" }).finish()),
    Abort: (request, call) => abort(context, AbortRequest.decode(request), call),
    GetModelInfo: (_, call) => reply(call, GetModelInfoResponse.encode(modelInfo(context)).finish()),
    GetServerInfo: (_, call) => reply(call, GetServerInfoResponse.encode(serverInfo(context)).finish()),
    GetLoads: (_, call) => reply(call, GetLoadsResponse.encode(loads(context)).finish()),
    GetTokenizer: (_, call) => streamTokenizer(context, call),
    FlushCache: (request, call) => flushCache(context, FlushCacheRequest.decode(request), call),
    StartProfile: (request) => startProfile(StartProfileRequest.decode(request)),
    StopProfile: () => refuseProfile("Stop profiling"),
    SubscribeKvEvents: (request, call) => subscribe(context, SubscribeKvEventsRequest.decode(request), call),
  };
  return Object.entries(handlers).map(([name, handler]) => [service + name, handler]);
}

function reply(call: GrpcCall, message: Uint8Array): void {
  call.write(message);
  call.end("OK");
}

/**
 * Runs a generation. `inference` is the request as it came, where it came in the other protocol.
 * @throws GrpcStatusError for what is refused
 */
export function generate(
  context: EngineServiceContext,
  asked: { readonly request: GenerateRequest; readonly inference?: InferenceGenerateRequest },
  call: GrpcCall,
): void {
  const { request, inference } = asked;
  const { faults } = context;
  const receivedAtMs = context.clock.epochMs();
  context.recordRequest({ id: request.requestId, request, inference, receivedAtMs });
  if (faults.errorStatus !== undefined) {
    throw new GrpcStatusError(faults.errorStatus, `simulated ${faults.errorStatus}`);
  }
  if (faults.takeRefusal()) throw new GrpcStatusError("UNAVAILABLE", "simulated refusal");
  if (context.pools) refuse("This model does not support generation");
  const engine = context.engine();
  const plan = planRequest(request, engine);
  const transfer = context.kvConnector()?.take(request, { tokens: plan.promptIds.length, rank: plan.rank });
  const generation = new GenerateCall({
    id: request.requestId,
    isStream: request.stream,
    plan,
    transfer,
    call,
    ended: (ended) => engine.release(ended),
    afterToken(total) {
      if (total === faults.dropStreamAfterTokens) return "drop";
      return total === faults.stallStreamAfterTokens ? "stall" : "continue";
    },
  });
  call.onCancel = () => {
    context.countAborts(1);
    engine.release(generation);
    transfer?.abandoned?.();
  };
  if (transfer?.arrival === undefined) {
    engine.submit(generation);
    return;
  }
  engine.accept(generation);
  transfer.arrival((isThere) => {
    if (call.isOver) return;
    if (isThere) engine.run(generation);
    else generation.failed();
  });
}

function abort(context: EngineServiceContext, request: AbortRequest, call: GrpcCall): void {
  for (const id of request.requestIds) context.countAborts(context.engine().abort(id));
  reply(call, AbortResponse.encode({}).finish());
}

function modelInfo({ engine, servedModelNames, pools }: EngineServiceContext): GetModelInfoResponse {
  const { model, maxModelLen } = engine().options;
  const [first = "", ...others] = servedModelNames;
  return GetModelInfoResponse.fromPartial({
    modelPath: model.path,
    isGeneration: !pools,
    maxContextLength: maxModelLen,
    vocabSize: model.vocabularySize,
    // Several names reach the wire as Python prints their list.
    servedModelName:
      others.length === 0 ? first : `[${servedModelNames.map((name) => `'${name}'`).join(", ")}]`,
    tokenizerPath: model.path,
    modelType: model.modelType,
    architectures: [...model.architectures],
    eosTokenIds: [...model.configEosIds],
    padTokenId: model.padTokenId,
    bosTokenId: model.bosTokenId,
    maxReqInputLen: maxModelLen,
    defaultSamplingParamsJson: model.defaultSamplingParamsJson,
  });
}

function serverInfo({
  engine,
  kvConnector,
  reasoningParser = "",
}: EngineServiceContext): GetServerInfoResponse {
  const connector = kvConnector();
  const { limits, dataParallelSize } = engine().options;
  return GetServerInfoResponse.fromPartial({
    dataParallelSize,
    ...(connector === undefined
      ? {}
      : { kvConnector: connector.name, kvRole: "kv_both", kvEngineId: connector.engineId }),
    kvCacheDtype: "auto",
    blockSize: limits.blockSize,
    modelDtype: "torch.float32",
    maxNumSeqs: limits.maxNumSeqs,
    multimodalEncoderDtype: "float32",
    engineReasoningParser: reasoningParser,
    constrainedDecodingStart: reasoningParser === "" ? "first_token" : "after_reasoning",
  });
}

function loads({ engine, clock }: EngineServiceContext): GetLoadsResponse {
  const entries = engine().ranks.map((rank) => schedulerLoad(engine(), rank));
  return {
    timestamp: new Date(clock.epochMs()).toISOString().replace("Z", "000+00:00"),
    version: imitatedVersion,
    dpRankCount: entries.length,
    loads: entries,
  };
}

async function streamTokenizer(context: EngineServiceContext, call: GrpcCall): Promise<void> {
  const { zip, sha256 } = await context.tokenizerBundle();
  for (let offset = 0; offset < zip.length; offset += chunkBytes) {
    const end = Math.min(offset + chunkBytes, zip.length);
    const data = zip.subarray(offset, end);
    call.write(GetTokenizerChunk.encode({ data, sha256: end === zip.length ? sha256 : "" }).finish());
  }
  call.end("OK");
}

async function flushCache(
  context: EngineServiceContext,
  request: FlushCacheRequest,
  call: GrpcCall,
): Promise<void> {
  const { timeoutS } = request;
  if (!Number.isFinite(timeoutS) || timeoutS < 0) refuse("timeout_s must be finite and non-negative");
  const deadlineMs = context.clock.monotonicMs() + timeoutS * 1000;
  const answer = (success: boolean, message: string): void =>
    reply(call, FlushCacheResponse.encode({ success, message }).finish());
  while (!call.isOver) {
    if (context.engine().clearCache()) return answer(true, "Local KV prefix cache flushed successfully");
    if (timeoutS === 0) return answer(false, "KV prefix cache reset refused; requests may be in flight");
    const leftMs = deadlineMs - context.clock.monotonicMs();
    if (leftMs <= 0) {
      throw new GrpcStatusError(
        "DEADLINE_EXCEEDED",
        "Flush cache timed out; the engine may still complete an issued reset",
      );
    }
    // oxlint-disable-next-line no-await-in-loop -- one attempt after another is the point
    await new Promise<void>((resolve) => context.clock.after(Math.min(flushRetryMs, leftMs), resolve));
  }
}

function startProfile(request: StartProfileRequest): never {
  const named = [
    ["output_dir", request.outputDir],
    ["start_step", request.startStep],
    ["num_steps", request.numSteps],
    ["with_stack", request.withStack],
    ["record_shapes", request.recordShapes],
    ["activities", request.activities.length > 0 ? true : undefined],
    ["profile_by_stage", request.profileByStage ? true : undefined],
  ].flatMap(([name, value]) => (value === undefined ? [] : [String(name)]));
  if (named.length > 0) {
    refuse(
      `StartProfile options ${named.join(", ")} cannot be set per request on this engine: its profiler's directory ` +
        "and options are its launch configuration; send a start with no options",
    );
  }
  return refuseProfile("Start profiling");
}

function refuseProfile(operation: string): never {
  throw new GrpcStatusError("INTERNAL", `${operation} failed: the simulator has no profiler`);
}

function subscribe(context: EngineServiceContext, request: SubscribeKvEventsRequest, call: GrpcCall): void {
  if (!context.publishesKvEvents) {
    throw new GrpcStatusError(
      "UNIMPLEMENTED",
      "KV cache events not enabled. Start vLLM with --kv-events-config " +
        '\'{"enable_kv_cache_events": true, "publisher": "zmq"}\'',
    );
  }
  if (request.startSequenceNumber !== 0n) {
    throw new GrpcStatusError(
      "OUT_OF_RANGE",
      "KV event replay cursors are per subscription; resubscribe with zero and rebuild",
    );
  }
  context.hub.subscribe(call);
}
