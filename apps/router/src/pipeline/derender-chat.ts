import {
  badRequestError,
  checkDerenderBounds,
  checkDerenderPrompts,
  derenderedChatBody,
  type ChatRequest,
  type DerenderChatRequest,
  type DerenderedChatChoice,
  type GeneratedChoice,
} from "@vllm-router/api";
import { createOutputParser, decodeInWindow, type OutputParser } from "@vllm-router/text";
import type { DerenderEnvelope } from "./derender-envelope.ts";
import { decodedLogprobs, windowAfter } from "./derender-text.ts";
import { parserContext } from "./parser-context.ts";

/** What a server with parsers says to those who give no request. */
export const NEEDS_CHAT_REQUEST =
  "chat_request is required when a tool or reasoning parser is configured because plain detokenization would leak raw " +
  "parser markup into content.";

/**
 * Makes a chat answer of what `/inference/v1/generate` answered.
 * @throws ApiError 400 with vLLM's text
 */
export function derenderChat(request: DerenderChatRequest, envelope: DerenderEnvelope): string {
  const { model, settings } = envelope;
  const { generateResponse, chatRequest, promptTokens, promptTokenIds } = request;
  const bounds = { maxModelLength: model.maxModelLength, maxLogprobs: settings.maxLogprobs };
  checkDerenderBounds([generateResponse], bounds);
  checkDerenderPrompts([promptTokenIds], bounds);
  if (model.parsers.selection !== undefined && chatRequest === null) {
    throw badRequestError(NEEDS_CHAT_REQUEST);
  }
  const parsing =
    model.parsers.selection === undefined || chatRequest === null
      ? undefined
      : {
          chatRequest,
          make: chatParser(chatRequest, generateResponse.promptTokenIds, envelope),
        };
  const skipSpecialTokens = parsing === undefined && (chatRequest?.skipSpecialTokens ?? true);
  const window = windowAfter(
    model.tokenizer,
    promptTokenIds ?? generateResponse.promptTokenIds,
    skipSpecialTokens,
  );
  const showsIds =
    chatRequest?.returnTokenIds === true && (parsing === undefined || chatRequest.includeReasoning);
  const choices = generateResponse.choices.map((choice): DerenderedChatChoice => {
    const tokenIds = choice.tokenIds ?? [];
    if (tokenIds.length === 0) {
      throw badRequestError(`choice ${choice.index} has empty or null token_ids`);
    }
    const { text } = decodeInWindow(model.tokenizer, tokenIds, { window, skipSpecialTokens });
    const message =
      parsing === undefined
        ? { reasoning: null, content: text, toolCalls: [] }
        : messageOf(parsing.make(), { text, tokenIds, chatRequest: parsing.chatRequest, envelope });
    return shown(choice, {
      ...message,
      logprobs: decodedLogprobs(model.tokenizer, choice.logprobs),
      tokenIds: showsIds ? tokenIds : undefined,
    });
  });
  return derenderedChatBody(
    {
      id: generateResponse.requestId ?? envelope.randomId(),
      created: envelope.created,
      model: envelope.modelName,
      usage: {
        promptTokens: Number(promptTokens ?? 0),
        completionTokens: generateResponse.choices.reduce(
          (sum, { tokenIds }) => sum + (tokenIds?.length ?? 0),
          0,
        ),
      },
      metrics: generateResponse.metrics,
    },
    choices,
    {
      promptLogprobs: generateResponse.promptLogprobs,
      kvTransferParams: generateResponse.kvTransferParams,
    },
  );
}

/** Makes parsers of answers to a conversation. */
export function chatParser(
  chatRequest: ChatRequest,
  promptTokenIds: readonly number[] | null,
  envelope: DerenderEnvelope,
): () => OutputParser {
  const { selection } = envelope.model.parsers;
  if (selection === undefined) {
    throw new RangeError("the model has no parser");
  }
  const context = parserContext(chatRequest, Int32Array.from(promptTokenIds ?? []), envelope);
  return () => createOutputParser(selection, context);
}

function messageOf(
  parser: OutputParser,
  answer: {
    readonly text: string;
    readonly tokenIds: readonly number[];
    readonly chatRequest: ChatRequest;
    readonly envelope: DerenderEnvelope;
  },
): Pick<DerenderedChatChoice, "reasoning" | "content" | "toolCalls"> {
  const { chatRequest } = answer;
  const parsed = parser.parse(answer.text, answer.tokenIds);
  const isForced = chatRequest.toolChoice === "required" || typeof chatRequest.toolChoice === "object";
  return {
    reasoning: chatRequest.includeReasoning ? parsed.reasoning : null,
    content: isForced && chatRequest.toolChoice !== null ? (parsed.content ?? "") : parsed.content,
    // The ids are the router's, whatever the model wrote.
    toolCalls: (parsed.toolCalls ?? []).map((call) => ({ ...call, id: answer.envelope.randomId() })),
  };
}

function shown(
  { index, finishReason, stopReason }: GeneratedChoice,
  rest: Omit<DerenderedChatChoice, "index" | "finishReason" | "stopReason">,
): DerenderedChatChoice {
  return { index, finishReason, stopReason, ...rest };
}
