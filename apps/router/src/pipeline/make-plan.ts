import { writeJson, type ApiError, type GenerationRequest, type ResponseWriter } from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import { engineFieldsOf, requiredFieldsOf } from "./engine-fields.ts";
import type { RepetitionRule } from "@vllm-router/text";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import type { ResolvedPrompt } from "./resolve-prompt.ts";

/** One prompt with everything resolved. */
export interface PromptDraft {
  readonly tokenIds: Int32Array;
  /** See {@link PreparedPrompt.recurring}. */
  readonly recurring?: PreparedPrompt["recurring"];
  readonly text: string | undefined;
  readonly resolved: ResolvedPrompt;
  /** Fields an engine has to carry for its constraint to start where it should. */
  readonly startFields?: readonly OptionalField[] | undefined;
  /** See {@link RequestPlan.constraintRefusal}. */
  readonly constraintRefusal?: ApiError | undefined;
}

/** The request as its answer is to show it: a beam search of no steps has one answer, whatever was asked for. */
export function shownRequest<TRequest extends GenerationRequest>(
  request: TRequest,
  drafts: readonly PromptDraft[],
): TRequest {
  const width = drafts[0]?.resolved.beam?.settings.width;
  return width === undefined ? request : { ...request, n: width };
}

/** Puts a plan together from its prompts and the writer of its answer. */
export function makePlan(
  request: GenerationRequest,
  drafts: readonly PromptDraft[],
  rest: { readonly envelope: RequestEnvelope; readonly writer: ResponseWriter },
): RequestPlan {
  const { envelope, writer } = rest;
  const [first] = drafts;
  if (first === undefined) {
    throw new RangeError("a request has at least one prompt");
  }
  const { beam } = first.resolved;
  // vLLM hands neither rank nor connector parameters to the steps of a beam search.
  const params = beam === undefined ? request.kvTransferParams : null;
  const fields = {
    priority: envelope.priority,
    sessionId: envelope.sessionId,
    ignoresPriority: envelope.settings.ignoresPriority,
    loraName: envelope.model.adapter?.name,
  };
  return {
    responseId: envelope.responseId,
    model: envelope.model,
    prompts: drafts.map((draft): PreparedPrompt => ({
      tokenIds: draft.tokenIds,
      recurring: draft.recurring,
      text: draft.text,
      sampling: draft.resolved.sampling,
    })),
    stream: request.stream === true,
    writer,
    requiredFields: withStartFields(requiredFieldsOf(request, fields), drafts),
    routingKey: envelope.routingKey,
    rank: beam === undefined ? envelope.rank : undefined,
    explained: envelope.explained,
    kvTransferParams: params === null || params.size === 0 ? undefined : writeJson(new Map(params)),
    engineFields: engineFieldsOf(request, fields),
    metadata: envelope.metadata,
    wantedLogprobs: first.resolved.wantedLogprobs,
    wantedPromptLogprobs: first.resolved.wantedPromptLogprobs,
    beam,
    repetition: beam === undefined ? repetitionRuleOf(request.repetitionDetection) : undefined,
    streamInterval:
      request.stream === true && beam === undefined ? Number(request.streamInterval ?? 1) : undefined,
    measures:
      envelope.settings.measuresRequests === true &&
      beam === undefined &&
      drafts.length === 1 &&
      Number(request.n ?? 1) === 1,
    constraintRefusal: first.constraintRefusal,
    lateError: firstError(drafts),
  };
}

/** With those that the prompts' constraints need, each once; a beam search knows no constraint. */
function withStartFields(
  fields: readonly OptionalField[],
  drafts: readonly PromptDraft[],
): readonly OptionalField[] {
  // Most requests have no constraint.
  if (drafts.every(({ startFields }) => startFields === undefined)) {
    return fields;
  }
  const started = drafts.flatMap(({ startFields = [], resolved }) =>
    resolved.beam === undefined ? startFields : [],
  );
  return [...fields, ...new Set(started)];
}

/** `repetition_detection`; undefined where it is absent or switched off. */
function repetitionRuleOf(given: GenerationRequest["repetitionDetection"]): RepetitionRule | undefined {
  const number = (name: string): number => Number(given?.get(name) ?? 0);
  const rule = {
    maxPatternSize: number("max_pattern_size"),
    minPatternSize: number("min_pattern_size"),
    minCount: number("min_count"),
  };
  return rule.maxPatternSize > 0 ? rule : undefined;
}

function firstError(drafts: readonly PromptDraft[]): ApiError | undefined {
  return drafts.find((draft) => draft.resolved.lateError !== undefined)?.resolved.lateError;
}
