import {
  badRequestError,
  checkRequestedLengths,
  completionPrompts,
  createCompletionCollector,
  createCompletionStreamWriter,
  type CompletionPrompt,
  type CompletionRequest,
  structuralTagRefusal,
  unsupportedFieldError,
} from "@vllm-router/api";
import { encodeText, takeTokenIds, type TakenIds } from "./encode-prompt.ts";
import { checkDecodable } from "./wide-ids.ts";
import { makePlan, shownRequest, type PromptDraft } from "./make-plan.ts";
import type { RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import { resolvePrompt } from "./resolve-prompt.ts";

/**
 * Makes the plan of a completion request: encodes every prompt, resolves its sampling, chooses the writer.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareCompletion(request: CompletionRequest, envelope: RequestEnvelope): RequestPlan {
  const { model, settings } = envelope;
  if (request.stream === true && request.useBeamSearch) {
    throw badRequestError("Streaming is not currently supported with beam search");
  }
  refuseSuffix(request);
  checkRequestedLengths(request, model.maxModelLength);
  const encoded = completionPrompts(request).map((prompt) => encodeGiven(prompt, request, envelope));
  const drafts = encoded.map(({ tokenIds, text, wideIds, isEncoded }): PromptDraft => ({
    tokenIds,
    text,
    resolved: resolvePrompt(request, tokenIds, {
      model,
      settings,
      wideIds,
      isEncoded,
    }),
    constraintRefusal: structuralTagRefusal(request),
  }));
  const options = {
    request: shownRequest(request, drafts),
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: model.systemFingerprint,
    },
    settings: envelope.writerSettings,
    promptCount: drafts.length,
  };
  const writer =
    request.stream === true ? createCompletionStreamWriter(options) : createCompletionCollector(options);
  return makePlan(request, drafts, { envelope, writer });
}

/** vLLM's refusals of `suffix`. @throws ApiError */
export function refuseSuffix(request: CompletionRequest): void {
  if (request.suffix === null) {
    return;
  }
  const refuse = (message: string): never => {
    throw badRequestError(message, "suffix");
  };
  if (request.echo === true) {
    refuse("Echo is unsupported with suffix.");
  }
  if (request.promptEmbeds !== null) {
    refuse("suffix is not supported with prompt_embeds");
  }
  if (request.truncatePromptTokens !== null) {
    refuse("suffix is not supported with truncate_prompt_tokens");
  }
  const isText =
    typeof request.prompt === "string" ||
    (request.prompt ?? []).every((prompt) => typeof prompt === "string");
  refuse(
    isText
      ? "suffix is only supported for models with FIM completion rendering"
      : "suffix requires text prompt input for FIM completion rendering",
  );
}

/** Encodes one of the request's prompts. @throws ApiError with vLLM's text */
export function encodeGiven(
  prompt: CompletionPrompt,
  request: CompletionRequest,
  envelope: RequestEnvelope,
): TakenIds & { readonly text: string | undefined; readonly isEncoded: boolean } {
  const { model } = envelope;
  if (prompt.kind === "embeds") {
    throw unsupportedFieldError("prompt_embeds");
  }
  if (prompt.kind === "text") {
    const tokenIds = encodeText(prompt.text, request, model);
    return { tokenIds, wideIds: undefined, text: prompt.text, isEncoded: true };
  }
  if (request.echo === true) {
    checkDecodable(prompt.tokenIds);
  }
  const taken = takeTokenIds(prompt.tokenIds, request, model);
  const isEchoed = request.echo === true && request.returnTokenIds !== true;
  return {
    ...taken,
    isEncoded: false,
    text: isEchoed ? model.tokenizer.decode(taken.tokenIds, { skipSpecialTokens: false }) : undefined,
  };
}
