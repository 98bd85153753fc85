import {
  badRequestError,
  checkEnginePrompt,
  createGenerateWriter,
  tokensSampling,
  unsupportedFieldError,
  validationError,
  type ChatRequest,
  type GenerateTokensRequest,
} from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { TemplateValue } from "@vllm-router/text";
import { constraintStartFields, type ToldStart } from "./constraint-start.ts";
import { requiredFieldsOf, type FieldContext } from "./engine-fields.ts";
import { makePlan } from "./make-plan.ts";
import type { RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import { resolvePrompt } from "./resolve-prompt.ts";

/** Token ids travel as 32-bit integers. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/** Fields a request really uses that not every dialect can carry. */
export function generateRequiredFields(
  request: GenerateTokensRequest,
  context: FieldContext,
): readonly OptionalField[] {
  return requiredFieldsOf(tokensSampling(request), context);
}

/**
 * Makes the plan of `/inference/v1/generate`: token ids in, token ids (and their text) out.
 * @throws ApiError with vLLM's text; 501 for what no engine takes over gRPC: media
 */
export function prepareGenerate(request: GenerateTokensRequest, envelope: RequestEnvelope): RequestPlan {
  const { model, settings } = envelope;
  for (const [name, value] of [
    ["features", request.features],
    ["content_parts", request.contentParts],
  ] as const) {
    if (value !== null) {
      throw unsupportedFieldError(name);
    }
  }
  const chat = tokensSampling(request);
  checkTexts(request);
  if (settings.tokensOnly === true) {
    checkTokensOnly(request, chat);
  }
  const tooLarge = request.tokenIds.find((id) => id > MAX_TOKEN_ID);
  if (tooLarge !== undefined) {
    throw validationError(`Token id ${tooLarge} is out of vocabulary`);
  }
  const tokenIds = Int32Array.from(request.tokenIds, Number);
  if (chat.maxCompletionTokens !== null) {
    const maxTokenId = Math.max(model.vocabularySize, model.tokenizer.vocabularySize) - 1;
    checkEnginePrompt(tokenIds, { maxModelLength: model.maxModelLength, maxTokenId });
  }
  const resolved = resolvePrompt(chat, tokenIds, { model, settings });
  const sampling =
    resolved.sampling.structuredOutput === undefined || request.reasoningEnded !== true
      ? resolved.sampling
      : { ...resolved.sampling, grammarFromFirstToken: true };
  const writer = createGenerateWriter({
    request: chat,
    mode: request.outputMode,
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: model.systemFingerprint,
    },
    settings: envelope.writerSettings,
    promptCount: 1,
  });
  const draft = {
    tokenIds,
    text: undefined,
    resolved: { ...resolved, sampling },
    startFields:
      sampling.structuredOutput === undefined
        ? []
        : constraintStartFields(model, tokenIds, toldStart(request)),
  };
  return makePlan(chat, [draft], { envelope, writer });
}

/** What the request tells the engine of the start of its constraint. */
function toldStart({ reasoningEnded, reasoningParserKwargs }: GenerateTokensRequest): ToldStart {
  const kwargs = reasoningParserKwargs?.get("chat_template_kwargs");
  return {
    isOver: reasoningEnded === null ? undefined : { value: reasoningEnded, by: "reasoning_ended" },
    kwargs:
      kwargs instanceof Map
        ? { value: kwargs as ReadonlyMap<string, TemplateValue>, by: "reasoning_parser_kwargs" }
        : undefined,
  };
}

const NO_STOP_STRINGS =
  "stop strings are not supported on a --tokens-only server because detokenization is disabled. Check stop strings on the " +
  "coordinator, or use stop_token_ids.";

function checkTokensOnly(request: GenerateTokensRequest, chat: ChatRequest): void {
  if ((chat.stop ?? []).length > 0) {
    throw badRequestError(NO_STOP_STRINGS);
  }
  if (request.outputMode !== "tokens") {
    throw badRequestError(
      `output_mode='${request.outputMode}' requires a tokenizer, but this server does not load one (--tokens-only or ` +
        "--skip-tokenizer-init). Send the request to a server that loads a tokenizer, or use output_mode='tokens'.",
    );
  }
}

function checkTexts(request: GenerateTokensRequest): void {
  const detokenizes = request.samplingParams.get("detokenize") !== false;
  if (!detokenizes && request.outputMode !== "tokens") {
    throw badRequestError(
      `output_mode='${request.outputMode}' requires sampling_params.detokenize to be true`,
    );
  }
}
