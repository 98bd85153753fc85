import { carriedFields, writeJson, type GenerationRequest } from "@vllm-router/api";
import { OPTIONAL_FIELDS, type OptionalField } from "@vllm-router/engine-client";
import type { EngineFields } from "./plan.ts";

/** What beside the body decides which fields an engine has to carry. */
export interface FieldContext {
  /** `X-Vllm-Priority`, which counts more than the body's field. */
  readonly priority?: number | undefined;
  /** `X-Session-ID`, which counts where the body names no session. */
  readonly sessionId?: string | undefined;
  /** Engines are known not to look at priorities. */
  readonly ignoresPriority?: boolean | undefined;
  /** The LoRA adapter that was asked for. */
  readonly loraName?: string | undefined;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(OPTIONAL_FIELDS);

/**
 * Fields that the router makes up for itself where an engine cannot carry them: ranks of prompt logprobs are derived (or
 * null), a session is what routing goes by.
 */
const MADE_UP_BY_ROUTER: ReadonlySet<string> = new Set(["prompt_logprobs_ranks", "session_id"]);

/**
 * Fields a request really uses that not every dialect can carry. The steps of a beam search know nothing of most fields,
 * in vLLM either.
 */
export function requiredFieldsOf(
  request: GenerationRequest,
  context: FieldContext = {},
): readonly OptionalField[] {
  const lora: readonly OptionalField[] = context.loraName === undefined ? [] : ["lora"];
  if (request.useBeamSearch) {
    return carriedFields(request).includes("cache_salt") ? [...lora, "cache_salt"] : lora;
  }
  const fields = carriedFields(request).filter(
    (field): field is OptionalField =>
      KNOWN_FIELDS.has(field) && !MADE_UP_BY_ROUTER.has(field) && field !== "priority",
  );
  return [...lora, ...fields, ...(priorityOf(request, context) === 0 ? [] : ["priority" as const])];
}

/** The fields of a request that travel to the engine as they are. */
export function engineFieldsOf(request: GenerationRequest, context: FieldContext): EngineFields {
  const { useBeamSearch } = request;
  const ec = useBeamSearch ? null : request.ecTransferParams;
  const session = request.sessionId === null || request.sessionId === "" ? undefined : request.sessionId;
  return {
    priority: useBeamSearch ? 0 : priorityOf(request, context),
    loraName: context.loraName,
    cacheSalt: request.cacheSalt ?? undefined,
    sessionId: session ?? context.sessionId,
    ecTransferParams: ec === null || ec.size === 0 ? undefined : writeJson(new Map(ec)),
  };
}

function priorityOf(request: GenerationRequest, context: FieldContext): number {
  return context.ignoresPriority === true ? 0 : (context.priority ?? Number(request.priority));
}
