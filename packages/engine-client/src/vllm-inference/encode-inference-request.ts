import { KVCacheParameters } from "@vllm-router/proto/messages";
import type { GenerateRequest, SamplingParameters, StructuredOutput } from "../engine.ts";
import { GRPC_PREFIX_BYTES } from "../transport/stream-transport.ts";
import { keepPrompt, writePrompt } from "../wire/recurring-ids.ts";
import { type PromptTags, WireWriter } from "../wire/wire-writer.ts";

/**
 * Sent for "every token" where the protocol takes 0 for "what the model's generation config says": the engine cuts it
 * down to the size of its vocabulary.
 */
export const NO_TOP_K = 0x7fff_ffff;

/**
 * Sent for `min_p` 0, for the same reason: the smallest normal float, below the probability of anything that can be
 * sampled and below the limit from which engines count `min_p` as used.
 */
export const NO_MIN_P: number = 2 ** -126;

// Shared by all calls: encoding is synchronous and the result is a copy.
const whole = new WireWriter();
const nested = new WireWriter();
const entry = new WireWriter();
const inner = new WireWriter();

const PROMPT_TAGS: PromptTags = [34, 10];

/**
 * A GenerateRequest of `vllm.Inference` with the gRPC prefix in front, ready to be sent. Field numbers are those of
 * `inference.proto`.
 *
 * Zero means "unset" in this protocol, and unset is greedy for the temperature and the model's generation config for the
 * rest; so every value is written as it is meant. The engine is asked for token ids, never for text. Values have to fit
 * (see `inferenceUncarriedField`), and `n` has to be 1: the engine refuses more.
 */
export function encodeInferenceRequest(request: GenerateRequest): Buffer {
  const { sampling } = request;
  whole.reset();
  whole.skip(GRPC_PREFIX_BYTES);
  whole.string(10, request.requestId);
  const ids = writePrompt(whole, PROMPT_TAGS, request);
  whole.optionalFloat(45, sampling.temperature);
  writeSampling(sampling);
  writeDecoding(sampling);
  writeStopping(sampling);
  writeResponse(sampling);
  writeCache(request);
  if (request.priority !== undefined && request.priority !== 0) whole.optionalInt32(96, request.priority);
  whole.string(106, request.sessionId ?? "");
  whole.string(122, request.loraName ?? "");
  whole.uint32BigEndianAt(1, whole.position - GRPC_PREFIX_BYTES);
  const message = whole.copy();
  keepPrompt(request, message, ids);
  return message;
}

function writeSampling(sampling: SamplingParameters): void {
  nested.reset();
  nested.uint32(16, sampling.topK > 0 ? sampling.topK : NO_TOP_K);
  nested.float(29, sampling.topP);
  nested.float(37, sampling.minP === 0 ? NO_MIN_P : sampling.minP);
  if (sampling.seed !== undefined) nested.optionalInt64(40, sampling.seed);
  whole.message(50, nested);
}

function writeDecoding(sampling: SamplingParameters): void {
  nested.reset();
  nested.float(13, sampling.presencePenalty);
  nested.float(21, sampling.frequencyPenalty);
  nested.float(29, sampling.repetitionPenalty);
  for (const [id, bias] of sampling.logitBias ?? []) {
    entry.reset();
    entry.uint32(8, id);
    entry.optionalFloat(21, bias);
    nested.message(34, entry);
  }
  nested.packedUint32(42, sampling.allowedTokenIds ?? []);
  if (sampling.structuredOutput !== undefined) writeConstraint(sampling.structuredOutput);
  whole.message(58, nested);
}

function writeConstraint(constraint: StructuredOutput): void {
  switch (constraint.kind) {
    case "json-schema":
      nested.optionalString(50, constraint.schema);
      break;
    case "regex":
      nested.optionalString(58, constraint.pattern);
      break;
    case "choice":
      entry.reset();
      for (const choice of constraint.choices) entry.optionalString(10, choice);
      nested.message(66, entry);
      break;
    case "grammar":
      nested.optionalString(74, constraint.grammar);
      break;
    case "json-object":
      nested.bool(80, true);
      break;
    case "structural-tag":
      nested.optionalString(90, constraint.tag);
      break;
  }
}

function writeStopping(sampling: SamplingParameters): void {
  nested.reset();
  nested.uint32(8, sampling.maxTokens);
  nested.uint32(16, sampling.minTokens);
  nested.packedUint32(26, sampling.stopTokenIds);
  for (const stop of sampling.stop) nested.optionalString(34, stop);
  nested.bool(40, sampling.includeStopStringInOutput);
  nested.bool(48, sampling.ignoreEos);
  whole.message(66, nested);
}

function writeResponse(sampling: SamplingParameters): void {
  const { promptLogprobs, logprobs, logprobTokenIds } = sampling;
  nested.reset();
  if (promptLogprobs !== undefined) {
    nested.bool(8, true);
    nested.bool(16, true);
    writeCandidates(26, promptLogprobs);
  }
  nested.optionalBool(32, false);
  nested.bool(40, true);
  if (logprobTokenIds !== undefined) {
    nested.bool(48, true);
    inner.reset();
    inner.packedUint32(10, logprobTokenIds);
    entry.reset();
    entry.message(18, inner);
    nested.message(58, entry);
  } else if (logprobs !== undefined) {
    nested.bool(48, true);
    writeCandidates(58, logprobs);
  }
  // The engine looks for stop strings in text of its own making, which must be the text the client sees.
  nested.optionalBool(64, sampling.skipSpecialTokens);
  whole.message(74, nested);
}

/**
 * So many of the best; -1 is all of the vocabulary. Nothing for none: vllm-rs 0.32 never answers a call that asks for
 * zero of them; without a word it gives the best one.
 */
function writeCandidates(tag: number, count: number): void {
  if (count === 0) return;
  entry.reset();
  if (count < 0) entry.bool(24, true);
  else {
    entry.varint(8);
    entry.varint(count);
  }
  nested.message(tag, entry);
}

function writeCache(request: GenerateRequest): void {
  const { cacheSalt = "", kvTransferParams, ecTransferParams } = request;
  if (cacheSalt === "" && kvTransferParams === undefined && ecTransferParams === undefined) return;
  const parameters: KVCacheParameters = {
    bypassPrefixCache: false,
    cacheSalt,
    kvTransferParams: object(kvTransferParams),
    ecTransferParams: object(ecTransferParams),
  };
  whole.encoded(82, KVCacheParameters.encode(parameters).finish());
}

function object(json: string | undefined): Record<string, unknown> | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>);
}
