import {
  carriedFields,
  writeJson,
  type ApiError,
  type GenerationRequest,
  type ResponseWriter,
} from "@vllm-router/api";
import { OPTIONAL_FIELDS, type OptionalField } from "@vllm-router/engine-client";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import type { ResolvedPrompt } from "./resolve-prompt.ts";

/** One prompt with everything resolved. */
export interface PromptDraft {
  readonly tokenIds: Int32Array;
  readonly text: string | undefined;
  readonly resolved: ResolvedPrompt;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(OPTIONAL_FIELDS);

/**
 * Fields that the router makes up for itself where an engine cannot carry them: ranks of prompt logprobs are derived (or
 * null), a session is what routing goes by.
 */
const MADE_UP_BY_ROUTER: ReadonlySet<string> = new Set(["prompt_logprobs_ranks", "session_id"]);

/** Fields a request really uses that not every dialect can carry. */
export function requiredFieldsOf(request: GenerationRequest): readonly OptionalField[] {
  return carriedFields(request).filter(
    (field): field is OptionalField => KNOWN_FIELDS.has(field) && !MADE_UP_BY_ROUTER.has(field),
  );
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
  const params = request.kvTransferParams;
  return {
    responseId: envelope.responseId,
    model: envelope.model,
    prompts: drafts.map((draft): PreparedPrompt => ({
      tokenIds: draft.tokenIds,
      text: draft.text,
      sampling: draft.resolved.sampling,
    })),
    stream: request.stream === true,
    writer,
    requiredFields: requiredFieldsOf(request),
    routingKey: envelope.routingKey,
    rank: envelope.rank,
    explained: envelope.explained,
    kvTransferParams: params === null || params.size === 0 ? undefined : writeJson(new Map(params)),
    metadata: envelope.metadata,
    wantedLogprobs: first.resolved.wantedLogprobs,
    wantedPromptLogprobs: first.resolved.wantedPromptLogprobs,
    lateError: firstError(drafts),
  };
}

function firstError(drafts: readonly PromptDraft[]): ApiError | undefined {
  return drafts.find((draft) => draft.resolved.lateError !== undefined)?.resolved.lateError;
}
