import {
  badRequestError,
  checkRequestedLengths,
  createChatCollector,
  createChatStreamWriter,
  structuralTagRefusal,
  type BatchChatRequest,
  type ChatRequest,
  type ResponseOptions,
  type ResponseWriter,
} from "@vllm-router/api";
import { createOutputParser, TextError, type OutputParser } from "@vllm-router/text";
import { checkToolChoice } from "./check-tool-choice.ts";
import { constraintStartFields } from "./constraint-start.ts";
import { constrainCalls, type ConstraintContext } from "./constrain-calls.ts";
import { makePlan, shownRequest, type PromptDraft } from "./make-plan.ts";
import { parserContext } from "./parser-context.ts";
import type { RequestPlan } from "./plan.ts";
import { randomId } from "./random-id.ts";
import { checkTrusted, type RenderContext } from "./render-conversation.ts";
import { renderPrompt, type RenderedPrompt } from "./render-prompt.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import { resolvePrompt } from "./resolve-prompt.ts";

/**
 * Makes the plan of a chat request: renders, encodes, resolves sampling, chooses the writer.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareChat(request: ChatRequest, envelope: RequestEnvelope): RequestPlan {
  checkToolChoice(request.toolChoice, envelope.model.parsers);
  return planChat([draftChat(request, envelope)], envelope);
}

/** How another API answers a request that was converted to a chat request. */
export interface ConvertedAnswer extends ConstraintContext {
  /** True where tools are refused that this server was not started for. */
  readonly checksTools: boolean;
  /** A look of its own at the length of the prompt. @throws ApiError */
  readonly checkPrompt?: (tokenCount: number) => void;
  /** Renders in a way of its own. */
  readonly render?: RenderPrompt;
  writer(options: ResponseOptions<ChatRequest>, draft: PromptDraft): ResponseWriter;
}

/**
 * Makes the plan of a request that another API converted to a chat request, and answers in that API's shape.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareConverted(
  request: ChatRequest,
  envelope: RequestEnvelope,
  answer: ConvertedAnswer,
): RequestPlan {
  if (answer.checksTools) {
    checkToolChoice(request.toolChoice, envelope.model.parsers);
  }
  const draft = draftChat(request, envelope, answer);
  const writer = answer.writer(responseOptions([draft], envelope), draft);
  return makePlan(draft.request, [draft], { envelope, writer });
}

/** One conversation, rendered and encoded. */
export interface ChatDraft extends PromptDraft {
  /** The request as the engine must see it for its answer to be parsed. */
  readonly request: ChatRequest;
  /** Makes the parser of one answer; undefined where nothing is parsed. */
  readonly makeParser: (() => OutputParser) | undefined;
}

/** Makes a prompt of a conversation. @throws ApiError with vLLM's text */
export type RenderPrompt = (conversation: ChatRequest, context: RenderContext) => RenderedPrompt;

/** Renders and encodes one conversation and resolves its sampling. @throws ApiError with vLLM's text */
export function draftChat(
  asked: ChatRequest,
  envelope: RequestEnvelope,
  own: Omit<ConvertedAnswer, "checksTools" | "writer"> = {},
): ChatDraft {
  const { model, settings, sources = [] } = envelope;
  checkTrusted(asked, settings);
  checkRequestedLengths(asked, model.maxModelLength);
  const hidesTools = model.parsers.excludeToolsWhenNone && asked.toolChoice === "none";
  const { render = renderPrompt, checkPrompt } = own;
  const { text, tokenIds, recurring } = render(hidesTools ? { ...asked, tools: null } : asked, {
    model,
    settings,
    sources,
  });
  checkPrompt?.(tokenIds.length);
  const request = constrainCalls(asked, model.parsers, own);
  const { selection } = model.parsers;
  const makeParser =
    selection === undefined
      ? undefined
      : (): OutputParser => createOutputParser(selection, parserContext(request, tokenIds, envelope));
  checkParserArguments(request.chatTemplateKwargs, makeParser);
  const resolved = resolvePrompt(request, tokenIds, { model, settings, isEncoded: true });
  if (resolved.sampling.structuredOutput === undefined) {
    return { request, tokenIds, recurring, text, resolved, makeParser };
  }
  // The Responses API leaves it to the parser.
  const isHidden = !request.includeReasoning && own.isResponses !== true;
  const grammarFromFirstToken = isHidden || makeParser?.().promptEndsReasoning === true;
  const sampling = { ...resolved.sampling, grammarFromFirstToken };
  const startFields = constraintStartFields(model, tokenIds, {
    isOver: isHidden ? { value: true, by: "include_reasoning" } : undefined,
    kwargs:
      selection?.reasoning === undefined
        ? undefined
        : { value: parserContext(request, tokenIds, envelope).templateKwargs, by: "chat_template_kwargs" },
  });
  const constraintRefusal = structuralTagRefusal(asked);
  return {
    request,
    tokenIds,
    recurring,
    text,
    resolved: { ...resolved, sampling },
    startFields,
    constraintRefusal,
    makeParser,
  };
}

/** Lists and objects among the template's arguments may be what a parser cannot take. @throws ApiError 400 with vLLM's text */
function checkParserArguments(
  kwargs: ChatRequest["chatTemplateKwargs"],
  makeParser: (() => OutputParser) | undefined,
): void {
  if (
    kwargs === null ||
    ![...kwargs.values()].some((value) => Array.isArray(value) || value instanceof Map)
  ) {
    return;
  }
  try {
    makeParser?.();
  } catch (error) {
    if (error instanceof TextError) {
      throw badRequestError(error.message);
    }
    throw error;
  }
}

/** The plan of conversations that share one request's settings: one choice group each. */
function planChat(drafts: readonly ChatDraft[], envelope: RequestEnvelope): RequestPlan {
  const options = responseOptions(drafts, envelope);
  const request = shownRequest(options.request, drafts);
  const conversations = drafts.map((draft) => draft.request);
  const writer =
    request.stream === true
      ? createChatStreamWriter({ ...options, request })
      : createChatCollector({ ...options, request }, conversations);
  return makePlan(request, drafts, { envelope, writer });
}

function responseOptions(
  drafts: readonly ChatDraft[],
  envelope: RequestEnvelope,
): ResponseOptions<ChatRequest> {
  const { model } = envelope;
  const [first] = drafts;
  if (first === undefined) {
    throw new RangeError("there is at least one conversation");
  }
  const { makeParser } = first;
  const request = shownRequest(first.request, drafts);
  const choicesPerPrompt = Number(request.n ?? 1);
  return {
    request,
    parserOf:
      makeParser === undefined
        ? undefined
        : (choice) => (drafts[Math.floor(choice / choicesPerPrompt)]?.makeParser ?? makeParser)(),
    toolCallId: () => `chatcmpl-tool-${randomId()}`,
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: model.systemFingerprint,
    },
    settings: envelope.writerSettings,
    promptCount: drafts.length,
  };
}

/**
 * Makes the plan of a batch of conversations: one choice each.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareBatchChat(request: BatchChatRequest, envelope: RequestEnvelope): RequestPlan {
  return planChat(
    request.conversations.map((conversation) => batchDraft(draftChat(conversation, envelope))),
    envelope,
  );
}

/** Batches do not count reasoning, and where it is left out they still show its logprobs and token ids. */
function batchDraft(draft: ChatDraft): ChatDraft {
  const { makeParser } = draft;
  if (makeParser === undefined) {
    return draft;
  }
  const request = { ...draft.request, includeReasoning: true };
  const uncounted = (): OutputParser => {
    const parser = makeParser();
    return {
      promptEndsReasoning: parser.promptEndsReasoning,
      push: (text, tokenIds, finished) => parser.push(text, tokenIds, finished),
      parse: (text, tokenIds) => parser.parse(text, tokenIds),
      reasoningTokens: () => undefined,
    };
  };
  return { ...draft, request, makeParser: uncounted };
}
