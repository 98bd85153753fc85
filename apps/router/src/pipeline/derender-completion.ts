import {
  badRequestError,
  checkDerenderBounds,
  checkDerenderPrompts,
  derenderedCompletionBody,
  derenderedCompletionChunk,
  EMPTY_STREAM_STATE,
  type DerenderCompletionRequest,
  type DerenderCompletionStreamRequest,
  type DerenderedText,
  writeJson,
} from "@vllm-router/api";
import { decodeInWindow } from "@vllm-router/text";
import { derenderUsage, type DerenderEnvelope } from "./derender-envelope.ts";
import { decodedLogprobs, logprobContext, windowAfter } from "./derender-text.ts";

/**
 * Makes completions of what `/inference/v1/generate` answered, one answer a prompt.
 * @throws ApiError 400 with vLLM's text
 */
export function derenderCompletion(request: DerenderCompletionRequest, envelope: DerenderEnvelope): string {
  const { model, settings } = envelope;
  const { generateResponses, promptTokens, promptTokenIds, completionRequest } = request;
  const [first] = generateResponses;
  if (first === undefined) {
    throw badRequestError("generate_responses must not be empty");
  }
  const bounds = { maxModelLength: model.maxModelLength, maxLogprobs: settings.maxLogprobs };
  checkDerenderBounds(generateResponses, bounds);
  checkDerenderPrompts(promptTokenIds ?? [], bounds);
  const skipSpecialTokens = completionRequest?.skipSpecialTokens ?? true;
  const choices: DerenderedText[] = [];
  const usage = { promptTokens: 0, completionTokens: 0 };
  for (const [at, response] of generateResponses.entries()) {
    const prompt = promptTokenIds?.[at] ?? response.promptTokenIds;
    const window = windowAfter(model.tokenizer, prompt, skipSpecialTokens);
    for (const choice of response.choices) {
      const tokenIds = choice.tokenIds ?? [];
      if (tokenIds.length === 0) {
        throw badRequestError(
          `choice ${choice.index} in response ${response.requestId ?? ""} has empty or null token_ids`,
        );
      }
      choices.push({
        ...choice,
        index: choices.length,
        text: decodeInWindow(model.tokenizer, tokenIds, { window, skipSpecialTokens }).text,
        logprobs: decodedLogprobs(model.tokenizer, choice.logprobs),
      });
      usage.completionTokens += tokenIds.length;
    }
    usage.promptTokens += Number(promptTokens?.[at] ?? 0);
  }
  const kvTexts = new Set(generateResponses.map(({ kvTransferParams }) => writeJson(kvTransferParams)));
  return derenderedCompletionBody(
    {
      id: first.requestId ?? envelope.randomId(),
      created: envelope.created,
      model: envelope.modelName,
      usage,
      metrics: generateResponses.length === 1 ? first.metrics : null,
    },
    choices,
    { kvTransferParams: kvTexts.size === 1 ? first.kvTransferParams : null },
  );
}

/**
 * Makes a chunk of a completion of one that `/inference/v1/generate` streamed.
 * @throws ApiError 400 with vLLM's text
 */
export function derenderCompletionChunk(
  request: DerenderCompletionStreamRequest,
  envelope: DerenderEnvelope,
): string {
  const { model } = envelope;
  const { generateChunk, promptTokenIds, completionRequest, streamState } = request;
  checkDerenderPrompts([promptTokenIds], { maxModelLength: model.maxModelLength });
  if (generateChunk.choices.length > 1) {
    throw badRequestError("derender_completion_stream expects at most one choice per chunk");
  }
  const skipSpecialTokens = completionRequest?.skipSpecialTokens ?? true;
  const before =
    streamState ??
    startedWith(
      windowAfter(model.tokenizer, promptTokenIds ?? generateChunk.promptTokenIds, skipSpecialTokens),
    );
  let state = before;
  const choices = generateChunk.choices.map((choice): DerenderedText => {
    const tokenIds = choice.tokenIds ?? [];
    const { text, window } = decodeInWindow(model.tokenizer, tokenIds, {
      window: { ...before, tokens: before.prevTokens },
      skipSpecialTokens,
    });
    state = {
      ...before,
      prevTokens: window.tokens,
      prefixOffset: window.prefixOffset,
      readOffset: window.readOffset,
      logprobContextTokenIds: logprobContext(before.logprobContextTokenIds, tokenIds),
      logprobTextOffset: before.logprobTextOffset + [...text].length,
    };
    return {
      ...choice,
      text,
      textOffset: before.logprobTextOffset,
      logprobs: decodedLogprobs(model.tokenizer, choice.logprobs, before.logprobContextTokenIds),
    };
  });
  return derenderedCompletionChunk(
    {
      id: generateChunk.requestId ?? envelope.randomId(),
      created: envelope.created,
      model: envelope.modelName,
      usage: derenderUsage(generateChunk, request.promptTokens),
      metrics: generateChunk.metrics,
    },
    choices,
    state,
  );
}

/** The state of a stream that begins at a window. */
export function startedWith(window: ReturnType<typeof windowAfter>): typeof EMPTY_STREAM_STATE {
  return {
    ...EMPTY_STREAM_STATE,
    prevTokens: window.tokens,
    prefixOffset: window.prefixOffset,
    readOffset: window.readOffset,
  };
}
