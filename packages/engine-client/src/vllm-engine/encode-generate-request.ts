import type { GenerateRequest, SamplingParameters, StructuredOutput } from "../engine.ts";
import { GRPC_PREFIX_BYTES } from "../transport/stream-transport.ts";
import { keepPrompt, writePrompt } from "../wire/recurring-ids.ts";
import { type PromptTags, WireWriter } from "../wire/wire-writer.ts";

// Shared by all calls: encoding is synchronous and the result is a copy.
const whole = new WireWriter();
const nested = new WireWriter();
const entry = new WireWriter();

const PROMPT_TAGS: PromptTags = [18, 18];

/**
 * A GenerateRequest of `vllm.grpc.engine` with the gRPC prefix in front, ready to be sent. Written by hand because the
 * prompt is large and comes as an Int32Array; field numbers are those of `vllm_engine.proto`.
 *
 * Every value is written as it is meant: the engine takes an absent temperature for 1.0, an absent `top_p` and
 * `repetition_penalty` for 1, an absent `max_tokens` for the rest of the context, and never looks at the model's
 * generation config. Values have to fit (see `vllmEngineUncarriedField`).
 */
export function encodeGenerateRequest(request: GenerateRequest): Buffer {
  whole.reset();
  whole.skip(GRPC_PREFIX_BYTES);
  whole.string(10, request.requestId);
  const ids = writePrompt(whole, PROMPT_TAGS, request);
  writeSampling(request.sampling);
  whole.bool(40, request.stream);
  if (request.kvTransferParams !== undefined) whole.optionalString(66, request.kvTransferParams);
  if (request.rank !== undefined) whole.optionalInt32(72, request.rank);
  whole.uint32BigEndianAt(1, whole.position - GRPC_PREFIX_BYTES);
  const message = whole.copy();
  keepPrompt(request, message, ids);
  return message;
}

function writeSampling(sampling: SamplingParameters): void {
  nested.reset();
  nested.optionalFloat(13, sampling.temperature);
  nested.float(21, sampling.topP);
  // The HTTP API also says -1 for "off".
  nested.uint32(24, Math.max(sampling.topK, 0));
  nested.float(37, sampling.minP);
  nested.float(45, sampling.frequencyPenalty);
  nested.float(53, sampling.presencePenalty);
  nested.float(61, sampling.repetitionPenalty);
  nested.varint(64);
  nested.varint(sampling.maxTokens);
  nested.uint32(72, sampling.minTokens);
  for (const stop of sampling.stop) nested.optionalString(82, stop);
  nested.packedUint32(90, sampling.stopTokenIds);
  nested.bool(96, sampling.skipSpecialTokens);
  nested.bool(104, sampling.spacesBetweenSpecialTokens);
  nested.bool(112, sampling.ignoreEos);
  nested.uint32(120, sampling.n);
  if (sampling.structuredOutput !== undefined) writeConstraint(sampling.structuredOutput);
  if (sampling.logprobs !== undefined) nested.optionalInt32(176, sampling.logprobs);
  if (sampling.promptLogprobs !== undefined) nested.optionalInt32(184, sampling.promptLogprobs);
  if (sampling.seed !== undefined) nested.optionalInt32(192, sampling.seed);
  nested.bool(200, sampling.includeStopStringInOutput);
  if (sampling.logitBias !== undefined) writeLogitBias(sampling.logitBias);
  nested.bool(224, sampling.grammarFromFirstToken === true);
  whole.message(34, nested);
}

function writeConstraint(constraint: StructuredOutput): void {
  switch (constraint.kind) {
    case "json-schema":
      nested.optionalString(130, constraint.schema);
      break;
    case "regex":
      nested.optionalString(138, constraint.pattern);
      break;
    case "grammar":
      nested.optionalString(146, constraint.grammar);
      break;
    case "structural-tag":
      nested.optionalString(154, constraint.tag);
      break;
    case "json-object":
      nested.bool(160, true);
      break;
    case "choice":
      entry.reset();
      for (const choice of constraint.choices) entry.optionalString(10, choice);
      nested.message(170, entry);
      break;
  }
}

function writeLogitBias(logitBias: ReadonlyMap<number, number>): void {
  for (const [id, bias] of logitBias) {
    entry.reset();
    entry.optionalInt32(8, id);
    entry.optionalFloat(21, bias);
    nested.message(210, entry);
  }
}
