export type { AdminCallOptions } from "./admin/admin-call.ts";
export type { EngineModelInfo, EngineServerInfo } from "./admin/engine-info.ts";
export type { InferenceAdmin, InferenceModelInfo, InferenceServerInfo } from "./admin/inference-admin.ts";
export type { KvEventSource } from "./admin/kv-event-source.ts";
export type { KvEventListener, KvEventSubscription } from "./admin/kv-events.ts";
export { kvBatchFromGrpc } from "./kv/grpc-kv-batch.ts";
export type { KvBatch, KvChange, KvMedium } from "./kv/kv-batch.ts";
export { type PackedKvBatch, packKvBatch, unpackKvBatch } from "./kv/pack-kv-batch.ts";
export {
  listenToZmqKvEvents,
  replayZmqKvEvents,
  type ZmqKvListener,
  type ZmqListening,
  type ZmqReplayListener,
} from "./kv/zmq-kv-events.ts";
export { type ZmqMeeting, ZmqMeetingPoints } from "./kv/zmq-meeting-points.ts";
export type { TokenizerBundle, TokenizerBundleLimits } from "./admin/tokenizer-bundle.ts";
export type { StandardHealth } from "./admin/standard-health.ts";
export type { Embedding, EngineLoads, VllmEngineAdmin } from "./admin/vllm-engine-admin.ts";
export {
  CAPABILITIES,
  HTTP_CAPABILITIES,
  VLLM_ENGINE_CAPABILITIES,
  VLLM_INFERENCE_CAPABILITIES,
} from "./capabilities.ts";
export {
  connectEngine,
  type ConnectOptions,
  type EngineConnection,
  type HttpClient,
  type HttpEngineConnection,
  type InferenceConnection,
  type VllmEngineConnection,
} from "./connect-engine.ts";
export { type EngineDescription, type EngineUrl, parseEngineUrl } from "./engine-address.ts";
export {
  type ConstraintStartField,
  type EngineCapabilities,
  type EngineDialect,
  type EngineFinishReason,
  type GenerateCall,
  type GenerateRequest,
  type GenerateSink,
  CONSTRAINT_START_FIELDS,
  OPTIONAL_FIELDS,
  type OptionalField,
  type OutputLogprobs,
  type PromptLogprobs,
  type RecurringPrompt,
  type ProxyEngine,
  type ProxyHead,
  type ProxyRequest,
  type ProxySink,
  type WholeChunks,
  type SamplingParameters,
  type SequenceFinish,
  type StreamedBody,
  type StructuredOutput,
  type TokenEngine,
  type TokenOutput,
  type UpgradeSink,
} from "./engine.ts";
export {
  ENGINE_ERROR_CODES,
  EngineError,
  type EngineErrorCode,
  type EngineErrorOptions,
} from "./engine-error.ts";
export { probeEngine, type ProbeOptions } from "./probe-engine.ts";
export type { HttpEngineAdmin, HttpModel } from "./proxy/http-admin.ts";
export type { EngineTransport } from "./transport/create-transport.ts";
export type { TlsOptions } from "./transport/transport-options.ts";
export { vllmEngineSeedIsCarried, vllmEngineUncarriedField } from "./vllm-engine/carried-values.ts";
export { inferenceUncarriedField } from "./vllm-inference/inference-carried-values.ts";
export type { KvEventBatch, SchedulerLoad } from "@vllm-router/proto/messages";
export {
  listenZmq,
  type ZmqBinding,
  type ZmqCaller,
  type ZmqListener,
  type ZmqListenerEvents,
  type ZmqListenerLimits,
} from "./kv/listen-zmq.ts";
export { MsgpackReader } from "./kv/msgpack-reader.ts";
