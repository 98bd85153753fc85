import { type GenerateRequest, SamplingParams } from "@vllm-router/proto/messages";
import { createDetokenizer } from "@vllm-router/text";
import type { Engine } from "./engine.ts";
import { checkKvTransferParams } from "./kv-transfer-params.ts";
import { readSampling, refuse, type Sampling } from "./sampling.ts";
import { Sequence, type SequenceSettings } from "./sequence.ts";
import { constraintTexts } from "./structured-output.ts";

/** A checked Generate request, ready for the engine. */
export interface RequestPlan {
  readonly promptIds: readonly number[];
  readonly sampling: Sampling;
  readonly rank: number;
  readonly sequences: readonly Sequence[];
}

/**
 * Checks a Generate request in the order of vLLM's servicer and makes its sequences.
 * @throws GrpcStatusError INVALID_ARGUMENT in vLLM's words
 */
export function planRequest(request: GenerateRequest, engine: Engine): RequestPlan {
  const { model, maxModelLen, maxLogprobs } = engine.options;
  checkKvTransferParams(request);
  if (request.mediaRefs !== undefined || request.mmInputs !== undefined || request.extraMmInputs.length > 0) {
    refuse("the simulator takes no multimodal inputs");
  }
  const promptIds = promptOf(request, engine);
  const sampling = readSampling(request.samplingParams ?? SamplingParams.fromPartial({}), {
    vocabularySize: model.vocabularySize,
    maxLogprobs,
  });
  const texts = constraintTexts(sampling.constraint);
  const rank = engine.chooseRank(request.dataParallelRank);
  checkPrompt(promptIds, engine);
  engine.checkRoom(rank, sampling.sequences);
  const room = maxModelLen - promptIds.length;
  const maxTokens = sampling.maxTokens ?? room;
  if (sampling.minTokens > maxTokens) {
    refuse(`min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${sampling.minTokens}.`);
  }
  const extraEosIds = sampling.ignoresEos ? [] : model.extraEosIds;
  const settings: SequenceSettings = {
    model: engine.tokenModel,
    promptIds,
    sampling,
    eosId: sampling.ignoresEos ? undefined : model.eosId,
    stopTokenIds: new Set([...sampling.stopTokenIds, ...extraEosIds]),
    endingIds: new Set([
      ...sampling.stopTokenIds,
      ...model.extraEosIds,
      ...(model.eosId === undefined ? [] : [model.eosId]),
    ]),
    maxOutputTokens: Math.min(maxTokens, room),
    scripts: texts?.map((text) => script(text, engine)),
    detokenize: () =>
      createDetokenizer(model.tokenizer, {
        promptTokenIds: promptIds,
        skipSpecialTokens: sampling.skipsSpecialTokens,
        spacesBetweenSpecialTokens: sampling.spacesBetweenSpecialTokens,
      }),
  };
  const sequences = Array.from({ length: sampling.sequences }, (_, index) => new Sequence(settings, index));
  return { promptIds, sampling, rank, sequences };
}

/** Forced output: the tokens of a text and the end. */
function script(text: string, engine: Engine): number[] {
  const { tokenizer, eosId } = engine.options.model;
  const ids = [...tokenizer.encode(text, false)];
  return eosId === undefined ? ids : [...ids, eosId];
}

function promptOf(request: GenerateRequest, engine: Engine): readonly number[] {
  if (request.input?.$case === "tokenized") return request.input.value.inputIds;
  return request.input === undefined
    ? []
    : [...engine.options.model.tokenizer.encode(request.input.value, true)];
}

function checkPrompt(promptIds: readonly number[], engine: Engine): void {
  const { model, maxModelLen } = engine.options;
  const { length } = promptIds;
  if (length === 0) refuse("The decoder prompt cannot be empty");
  if (length > maxModelLen) {
    refuse(
      `The decoder prompt (length ${length}) is longer than the maximum model length of ${maxModelLen}. ` +
        "Make sure that `max_model_len` is no smaller than the number of text tokens.",
    );
  }
  if (length === maxModelLen) {
    refuse(
      `The decoder prompt (length ${length}) plus the number of requested output tokens (at least 1) is longer ` +
        `than the maximum model length of ${maxModelLen}. Make sure that \`max_model_len\` is no smaller than the ` +
        "number of text tokens (prompt + requested output tokens).",
    );
  }
  const largest = promptIds.reduce((most, id) => Math.max(most, id), 0);
  if (largest > model.maxTokenId) refuse(`Token id ${largest} is out of vocabulary`);
}
