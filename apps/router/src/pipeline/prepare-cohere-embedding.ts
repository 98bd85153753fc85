import {
  badRequestError,
  checkCohereMaxTokens,
  cohereEmbedBody,
  type CohereEmbedRequest,
  countPromptTokens,
  isJsonArray,
  type JsonObject,
  type JsonValue,
  type PooledPrompt,
  type PoolingPrompts,
  pythonStringRepr,
  unsupportedFieldError,
  validationError,
} from "@vllm-router/api";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import { checkedTokenIds, type PoolingModel, type PromptFitting } from "./encode-pooling-prompt.ts";
import { planHead, type PoolingEnvelope } from "./pooling-envelope.ts";
import { checkedDimensions, encodePrompts, shortened } from "./prepare-embedding.ts";

/**
 * Makes the plan of an embeddings request in Cohere's form.
 * @throws ApiError with vLLM's text, in vLLM's order of checks; 501 for images, which the engine's protocol has no place for
 */
export function prepareCohereEmbedding(
  request: CohereEmbedRequest,
  envelope: PoolingEnvelope,
): EmbeddingPlan {
  const { model } = envelope;
  envelope.requireModel();
  const prefix = instructionOf(request.inputType, model);
  const prompts = promptsOf(request, prefix, model);
  checkCohereMaxTokens(request);
  const fitting = fittingOf(request);
  checkTruncation(fitting, model);
  const encoded = encodePrompts(prompts, fitting, envelope);
  const dimensions = checkedDimensions(request.outputDimension, model);
  const head = planHead(envelope, "embd");
  return {
    ...head,
    prompts: encoded.map((tokenIds) => checkedTokenIds(tokenIds, model)),
    answer(pooled) {
      checkLengths(request, pooled);
      const body = cohereEmbedBody(
        request,
        { id: head.responseId, pooled: shortened(pooled, dimensions) },
        envelope.encodeBase64,
      );
      return { body, contentType: "application/json", metadata: undefined };
    },
  };
}

function instructionOf(inputType: string | null, { pooling }: PoolingModel): string | undefined {
  if (inputType === null) {
    return undefined;
  }
  const known = pooling.taskInstructions;
  const unsupported = `Unsupported input_type ${pythonStringRepr(inputType)}.`;
  if (known === undefined) {
    throw badRequestError(`${unsupported} This model does not define any input_type task instructions.`);
  }
  const instruction = known.get(inputType);
  if (instruction === undefined) {
    throw badRequestError(`${unsupported} Supported values: ${[...known.keys()].toSorted().join(", ")}`);
  }
  return instruction === "" ? undefined : instruction;
}

/** Texts as they are, or, where an instruction goes with them, in the model's template when it has one. */
function promptsOf(
  request: CohereEmbedRequest,
  instruction: string | undefined,
  model: PoolingModel,
): PoolingPrompts {
  if (request.images !== null) {
    throw unsupportedFieldError("images");
  }
  const { texts } = request;
  if (texts === null) {
    return conversations((request.inputs ?? []).map(contentOf), instruction);
  }
  if (instruction !== undefined && model.chatTemplate !== undefined) {
    return conversations(
      texts.map((text) => [textPart(text)]),
      instruction,
    );
  }
  return { kind: "input", input: texts.map((text) => (instruction ?? "") + text), addSpecialTokens: true };
}

function contentOf(input: JsonObject): readonly JsonValue[] {
  const content = input.get("content");
  const parts = isJsonArray(content) ? (content as readonly JsonObject[]) : [];
  if (parts.some((part) => part.get("type") === "image_url")) {
    throw unsupportedFieldError("inputs");
  }
  return parts.map((part) => textPart(part.get("text") ?? ""));
}

function textPart(text: JsonValue): JsonValue {
  return new Map<string, JsonValue>([
    ["type", "text"],
    ["text", text],
  ]);
}

function conversations(
  contents: readonly (readonly JsonValue[])[],
  instruction: string | undefined,
): PoolingPrompts {
  const system = instruction === undefined ? [] : [message("system", [textPart(instruction)])];
  return {
    kind: "chat",
    conversations: contents.map((content) => [...system, message("user", content)]),
    addSpecialTokens: false,
    addGenerationPrompt: false,
    continueFinalMessage: false,
    chatTemplate: null,
    chatTemplateKwargs: null,
    mediaIoKwargs: null,
    lateError: undefined,
  };
}

function message(role: string, content: readonly JsonValue[]): JsonValue {
  return new Map<string, JsonValue>([
    ["role", role],
    ["content", content],
  ]);
}

function fittingOf({ truncate, maxTokens }: CohereEmbedRequest): PromptFitting {
  switch (truncate) {
    case "NONE":
      return { truncatePromptTokens: null, truncationSide: null, padding: null };
    case "START":
      return { truncatePromptTokens: maxTokens ?? -1, truncationSide: "left", padding: null };
    case "END":
      return { truncatePromptTokens: maxTokens ?? -1, truncationSide: null, padding: null };
  }
}

function checkTruncation({ truncatePromptTokens }: PromptFitting, { maxModelLength }: PoolingModel): void {
  if (truncatePromptTokens !== null && truncatePromptTokens > maxModelLength) {
    throw validationError(
      `truncate_prompt_tokens=${truncatePromptTokens} cannot be greater than max_model_len = ${maxModelLength}. ` +
        "Please request a smaller truncation size.",
      "truncate_prompt_tokens",
      truncatePromptTokens,
    );
  }
}

/** With `truncate` NONE, `max_tokens` is a limit, and vLLM looks at it when everything is computed. */
function checkLengths(request: CohereEmbedRequest, pooled: readonly PooledPrompt[]): void {
  const { truncate, maxTokens } = request;
  if (truncate !== "NONE" || maxTokens === null) {
    return;
  }
  const tooLong = pooled.find((prompt) => countPromptTokens([prompt]) > maxTokens);
  if (tooLong !== undefined) {
    throw badRequestError(
      `Input of ${tooLong.promptTokens} tokens exceeds max_tokens=${maxTokens} with truncate=NONE. ` +
        "Set truncate to END or START to allow truncation.",
    );
  }
}
