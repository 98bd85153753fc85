import {
  type CandidateTokens,
  type ChoiceConstraint,
  GenerateRequest,
  type InferenceGenerateRequest,
  type SamplingParams,
} from "@vllm-router/proto/messages";
import { GrpcStatusError } from "./grpc-status.ts";
import { refuse } from "./sampling.ts";

/** What beside the request decides how it is understood. */
export interface InferenceRequestContext {
  readonly servedModelNames: readonly string[];
  /** Adapters that are loaded; undefined for an engine without LoRA. */
  readonly loraNames?: readonly string[] | undefined;
  /** Most alternatives that a request may ask for. */
  readonly maxLogprobs: number;
  /** Streamed, as GenerateStream is. */
  readonly isStream: boolean;
  /** The `x-data-parallel-rank` of the call's metadata. */
  readonly rank: string | undefined;
}

/** Moves the choice of an allowed token ahead of all others. */
const ALLOWED_BIAS = 100;

/**
 * A request of `vllm.Inference` as VllmEngine would be asked: what zero and absence mean there is written out.
 * @throws GrpcStatusError in the words of vllm-rs for what it refuses, and for what the simulator does not do
 */
export function engineRequestOf(
  request: InferenceGenerateRequest,
  context: InferenceRequestContext,
): GenerateRequest {
  checkNames(request, context);
  const { sampling, stopping, decoding } = request;
  if ((sampling?.numSequences ?? 0) > 1) refuse("num_sequences > 1 is not supported");
  if (request.truncatePromptTokens !== 0) refuse("truncate_prompt_tokens is not supported");
  const kvTransferParams = request.kv?.kvTransferParams;
  const samplingParams: Partial<SamplingParams> = {
    // Unset is greedy, whatever the model's defaults are.
    temperature: request.temperature ?? 0,
    topP: sampling?.topP ?? 0,
    topK: sampling?.topK ?? 0,
    minP: sampling?.minP ?? 0,
    seed: sampling?.seed === undefined ? undefined : Number(BigInt.asIntN(32, sampling.seed)),
    presencePenalty: decoding?.presencePenalty ?? 0,
    frequencyPenalty: decoding?.frequencyPenalty ?? 0,
    repetitionPenalty: decoding?.repetitionPenalty ?? 0,
    maxTokens: stopping?.maxNewTokens === 0 ? undefined : stopping?.maxNewTokens,
    minTokens: stopping?.minNewTokens ?? 0,
    stop: stopping?.stopStrings ?? [],
    stopTokenIds: stopping?.stopTokenIds ?? [],
    includeStopStrInOutput: stopping?.includeStopStrings ?? false,
    ignoreEos: stopping?.ignoreEos ?? false,
    skipSpecialTokens: request.response?.skipSpecialTokens ?? true,
    spacesBetweenSpecialTokens: true,
    n: 1,
    logitBias: biasOf(request),
    logprobs: outputLogprobs(request, context),
    promptLogprobs: request.response?.promptLogprobs === true ? 0 : undefined,
    constraint: constraintOf(request),
  };
  return GenerateRequest.fromPartial({
    requestId: request.requestId,
    input: inputOf(request),
    samplingParams,
    stream: context.isStream,
    dataParallelRank: rankOf(context.rank),
    kvTransferParamsJson: kvTransferParams === undefined ? undefined : JSON.stringify(kvTransferParams),
  });
}

/** Alternatives beside the sampled token; 0 for none. */
export function candidateCount(candidates: CandidateTokens | undefined, maxLogprobs: number): number {
  switch (candidates?.select?.$case) {
    case undefined:
      return 0;
    case "topN": {
      const { value } = candidates.select;
      if (value <= maxLogprobs) return value;
      return refuse(`requested logprobs of ${value}, which is greater than max allowed: ${maxLogprobs}`);
    }
    case "tokenIds":
      return 0;
    case "all":
      throw new GrpcStatusError("UNIMPLEMENTED", "the simulator reports no logprobs of all tokens");
  }
}

function checkNames(request: InferenceGenerateRequest, context: InferenceRequestContext): void {
  const { servedModelNames, loraNames } = context;
  if (request.model !== "" && !servedModelNames.includes(request.model)) {
    throw new GrpcStatusError("NOT_FOUND", `model \`${request.model}\` not found`);
  }
  if (request.loraName === "") return;
  if (loraNames === undefined) {
    throw new GrpcStatusError("FAILED_PRECONDITION", "engine was not started with LoRA enabled");
  }
  if (!loraNames.includes(request.loraName)) {
    throw new GrpcStatusError("NOT_FOUND", `LoRA adapter \`${request.loraName}\` is not loaded`);
  }
}

function inputOf(request: InferenceGenerateRequest): GenerateRequest["input"] {
  switch (request.prompt?.$case) {
    case "text":
      return { $case: "text", value: request.prompt.value };
    case "tokenIds": {
      const { ids } = request.prompt.value;
      if (ids.length === 0) {
        refuse(`text request \`${request.requestId}\` must contain at least one prompt token ID`);
      }
      return { $case: "tokenized", value: { originalText: "", inputIds: ids } };
    }
    case undefined:
      return refuse("prompt is required");
  }
}

function biasOf({ decoding }: InferenceGenerateRequest): Record<number, number> {
  const bias: Record<number, number> = { ...decoding?.logitBias };
  for (const id of decoding?.allowedTokenIds ?? []) bias[id] = ALLOWED_BIAS;
  return bias;
}

/** One more than asked for: the sampled token is given beside the best, where it is not one of them. */
function outputLogprobs(
  { response }: InferenceGenerateRequest,
  { maxLogprobs }: InferenceRequestContext,
): number | undefined {
  if (response?.outputLogprobs !== true) return undefined;
  const count = candidateCount(response.outputCandidates, maxLogprobs);
  return count === 0 ? 0 : Math.min(count + 1, maxLogprobs);
}

function constraintOf({ decoding }: InferenceGenerateRequest): SamplingParams["constraint"] {
  const constraint = decoding?.structuredOutput;
  switch (constraint?.$case) {
    case undefined:
      return undefined;
    case "json":
      return { $case: "jsonSchema", value: constraint.value };
    case "choice":
      return { $case: "choice", value: constraint.value satisfies ChoiceConstraint };
    default:
      return constraint;
  }
}

function rankOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) return refuse(`invalid x-data-parallel-rank metadata: ${text}`);
  return Number(text);
}
