import type { LabelRead, LabelWriter, ResponseWriter } from "@vllm-router/api";
import type { OptionalField, SamplingParameters } from "@vllm-router/engine-client";
import type { FieldContext } from "./engine-fields.ts";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** A bias no model's logits can stand against: the engine takes the token, and tells its logprob from before the bias. */
const FORCING_BIAS = 100;
/** Alternatives asked for, where the engine's limit allows: they tell most labels with the first call. */
const MOST_ALTERNATIVES = 20;

/** The fields of a request for label logprobs that an engine has to carry. */
export interface LabelRequest {
  readonly priority: number | bigint;
  readonly cacheSalt: string | null;
}

/** Fields a request for label logprobs really uses that not every dialect can carry. */
export function fieldsOfLabelReads(
  request: LabelRequest,
  { ignoresPriority }: FieldContext,
): readonly OptionalField[] {
  return [
    "logit_bias",
    ...(ignoresPriority === true || Number(request.priority) === 0 ? [] : ["priority" as const]),
    ...(request.cacheSalt === null ? [] : ["cache_salt" as const]),
  ];
}

/** Alternatives to ask for so that one call may tell several labels. */
export function alternativesFor(maxLogprobs: number): number {
  return maxLogprobs < 0 ? MOST_ALTERNATIVES : Math.min(MOST_ALTERNATIVES, maxLogprobs);
}

/** The plan of a request whose answer is made of the logprobs of labels as next tokens of its items. */
export function planLabelReads(
  writer: LabelWriter & ResponseWriter,
  parts: {
    readonly request: LabelRequest;
    readonly envelope: RequestEnvelope;
    readonly items: readonly Int32Array[];
    /** Alternatives that every call asks for. */
    readonly alternatives: number;
  },
): RequestPlan {
  const { request, envelope, items, alternatives } = parts;
  const { labels } = writer;
  const { settings } = envelope;
  const prompt = ({ item, label }: LabelRead): PreparedPrompt => ({
    tokenIds: items[item] as Int32Array,
    text: undefined,
    sampling: oneToken(label, alternatives),
  });
  const prompts = labels.reads.map(prompt);
  return {
    responseId: envelope.responseId,
    model: envelope.model,
    prompts,
    furtherPrompts() {
      const missing = labels.missing();
      labels.expect(missing);
      prompts.push(...missing.map(prompt));
    },
    stream: false,
    writer,
    requiredFields: fieldsOfLabelReads(request, settings),
    routingKey: envelope.routingKey,
    rank: envelope.rank,
    explained: envelope.explained,
    engineFields: {
      priority: settings.ignoresPriority === true ? 0 : Number(request.priority),
      cacheSalt: request.cacheSalt ?? undefined,
    },
    kvTransferParams: undefined,
    metadata: envelope.metadata,
    wantedLogprobs: alternatives,
    wantedPromptLogprobs: undefined,
    lateError: undefined,
  };
}

/** Sampling that yields the likeliest token, or this one. */
function oneToken(tokenId: number | undefined, alternatives: number): SamplingParameters {
  return {
    temperature: 0,
    topP: 1,
    topK: 0,
    minP: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 1,
    maxTokens: 1,
    minTokens: 0,
    stop: [],
    stopTokenIds: [],
    ignoreEos: true,
    skipSpecialTokens: false,
    spacesBetweenSpecialTokens: true,
    includeStopStringInOutput: false,
    n: 1,
    seed: undefined,
    logprobs: alternatives,
    promptLogprobs: undefined,
    logitBias: tokenId === undefined ? undefined : new Map([[tokenId, FORCING_BIAS]]),
    structuredOutput: undefined,
  };
}
