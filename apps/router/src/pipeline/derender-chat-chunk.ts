import {
  ApiError,
  badRequestError,
  derenderedChatChunk,
  EMPTY_STREAM_STATE,
  type ChatRequest,
  type DerenderChatStreamRequest,
  type DerenderedDelta,
  type DerenderStreamState,
  type GeneratedChoice,
} from "@vllm-router/api";
import { decodeInWindow, type OutputDelta, type ToolCallDelta } from "@vllm-router/text";
import { chatParser, NEEDS_CHAT_REQUEST } from "./derender-chat.ts";
import { startedWith } from "./derender-completion.ts";
import { derenderUsage, type DerenderEnvelope } from "./derender-envelope.ts";
import { decodedLogprobs, logprobContext, windowAfter } from "./derender-text.ts";

const NEEDS_PROMPT =
  "prompt_token_ids is required when a tool or reasoning parser is configured. Without it parse_delta cannot tell whether " +
  "the prompt left reasoning open (e.g. a chat template that pre-opens <think>) and would misclassify reasoning content " +
  "as plain content.";

const NOTHING: OutputDelta = { content: undefined, reasoning: undefined, toolCalls: undefined };

interface Step {
  readonly choices: readonly DerenderedDelta[];
  readonly state: DerenderStreamState;
}

/**
 * Makes a chunk of a chat answer of one that `/inference/v1/generate` streamed. Nothing is kept here: where a parser is at
 * work, everything before is parsed again.
 * @throws ApiError 400 with vLLM's text
 */
export function derenderChatChunk(request: DerenderChatStreamRequest, envelope: DerenderEnvelope): string {
  const { model } = envelope;
  const { generateChunk, chatRequest, promptTokenIds, streamState } = request;
  const isParsed = model.parsers.selection !== undefined;
  if (isParsed && chatRequest === null) {
    throw badRequestError(NEEDS_CHAT_REQUEST);
  }
  if (isParsed && promptTokenIds === null) {
    throw badRequestError(NEEDS_PROMPT);
  }
  const { choices } = generateChunk;
  if (choices.length > 1) {
    throw badRequestError(
      `derender_chat_stream expects at most one choice per chunk (got ${choices.length}).`,
    );
  }
  checkLength(request, model.maxModelLength);
  const [choice] = choices;
  const step = isParsed ? parsedStep(request, envelope, choice) : plainStep(request, envelope, choice);
  return derenderedChatChunk(
    {
      id: generateChunk.requestId ?? envelope.randomId(),
      created: envelope.created,
      model: envelope.modelName,
      usage: derenderUsage(generateChunk, request.promptTokens),
      metrics: generateChunk.metrics,
    },
    step.choices,
    step.state,
  );

  function plainStep(
    { chatRequest: asked }: DerenderChatStreamRequest,
    { model: { tokenizer } }: DerenderEnvelope,
    piece: GeneratedChoice | undefined,
  ): Step {
    const skipSpecialTokens = asked?.skipSpecialTokens ?? true;
    const before =
      streamState ??
      startedWith(windowAfter(tokenizer, promptTokenIds ?? generateChunk.promptTokenIds, skipSpecialTokens));
    if (piece === undefined) {
      return { choices: [], state: before };
    }
    const tokenIds = piece.tokenIds ?? [];
    const { text, window } = decodeInWindow(tokenizer, tokenIds, {
      window: { ...before, tokens: before.prevTokens },
      skipSpecialTokens,
    });
    const state = {
      ...before,
      prevTokens: window.tokens,
      prefixOffset: window.prefixOffset,
      readOffset: window.readOffset,
      roleSent: true,
      logprobContextTokenIds: logprobContext(before.logprobContextTokenIds, tokenIds),
    };
    const delta: DerenderedDelta = {
      ...piece,
      isFirst: !before.roleSent,
      content: text === "" ? null : text,
      reasoning: null,
      toolCalls: [],
      logprobs: decodedLogprobs(tokenizer, piece.logprobs, before.logprobContextTokenIds),
      tokenIds: asked?.returnTokenIds === true ? (piece.tokenIds ?? undefined) : undefined,
    };
    return { choices: [delta], state };
  }
}

function checkLength(request: DerenderChatStreamRequest, maxModelLength: number): void {
  const prompt = request.promptTokenIds?.length ?? 0;
  const prior = request.streamState?.outputTokenIds.length ?? 0;
  const delta = request.generateChunk.choices.reduce((sum, { tokenIds }) => sum + (tokenIds?.length ?? 0), 0);
  if (prompt + prior + delta > maxModelLength) {
    throw badRequestError(
      `prompt_token_ids length (${prompt}) plus output_token_ids length (${prior}) plus delta (${delta}) exceeds ` +
        `max_model_len (${maxModelLength}).`,
    );
  }
}

function parsedStep(
  request: DerenderChatStreamRequest,
  envelope: DerenderEnvelope,
  choice: GeneratedChoice | undefined,
): Step {
  const state = request.streamState ?? EMPTY_STREAM_STATE;
  const chatRequest = request.chatRequest as ChatRequest;
  if (choice === undefined) {
    return { choices: [], state };
  }
  const tokenIds = choice.tokenIds ?? [];
  const finished = choice.finishReason !== null;
  let delta: OutputDelta;
  try {
    delta = replayed(request, { state, chatRequest, envelope })(tokenIds, finished) ?? NOTHING;
  } catch (error) {
    if (error instanceof ApiError) {
      throw error;
    }
    throw badRequestError("invalid stream_state: derender failed");
  }
  const { calls, lastToolCallIds } = withKeptIds(delta.toolCalls ?? [], state.lastToolCallIds);
  const toolsStreamed = state.toolsStreamed || calls.length > 0;
  const isNamed = typeof chatRequest.toolChoice === "object" && chatRequest.toolChoice !== null;
  const shown: DerenderedDelta = {
    index: choice.index,
    finishReason: finished && toolsStreamed && !isNamed ? "tool_calls" : choice.finishReason,
    stopReason: choice.stopReason,
    logprobs: undefined,
    isFirst: !state.roleSent,
    content: delta.content ?? null,
    reasoning: delta.reasoning ?? null,
    toolCalls: chatRequest.parallelToolCalls === false ? calls.filter(({ index }) => index === 0) : calls,
    tokenIds:
      chatRequest.returnTokenIds === true && chatRequest.includeReasoning
        ? (choice.tokenIds ?? undefined)
        : undefined,
  };
  const more = tokenIds.length > 0;
  return {
    choices: [shown],
    state: {
      ...state,
      roleSent: true,
      outputTokenIds: more ? [...state.outputTokenIds, ...tokenIds] : state.outputTokenIds,
      outputChunkLens: more ? [...state.outputChunkLens, tokenIds.length] : state.outputChunkLens,
      toolsStreamed,
      lastToolCallIds,
    },
  };
}

/** A parser that has seen everything before; what it is given next is told. */
function replayed(
  request: DerenderChatStreamRequest,
  on: {
    readonly state: DerenderStreamState;
    readonly chatRequest: ChatRequest;
    readonly envelope: DerenderEnvelope;
  },
): (tokenIds: readonly number[], finished: boolean) => OutputDelta | undefined {
  const { tokenizer } = on.envelope.model;
  const parser = chatParser(on.chatRequest, request.promptTokenIds, on.envelope)();
  let window = windowAfter(tokenizer, request.promptTokenIds, false);
  const push = (ids: readonly number[], finished: boolean): OutputDelta | undefined => {
    if (ids.length === 0 && !finished) {
      return undefined;
    }
    const decoded = decodeInWindow(tokenizer, ids, { window, skipSpecialTokens: false });
    ({ window } = decoded);
    return parser.push(decoded.text, ids, finished);
  };
  let at = 0;
  for (const length of on.state.outputChunkLens) {
    push(on.state.outputTokenIds.slice(at, at + length), false);
    at += length;
  }
  return push;
}

/** A call that was told before keeps its id: the parser, made anew, gave it another. */
function withKeptIds(
  calls: readonly ToolCallDelta[],
  known: readonly string[],
): { readonly calls: readonly ToolCallDelta[]; readonly lastToolCallIds: readonly string[] } {
  const ids = [...known];
  const kept = calls.map((call) => {
    if (typeof call.id !== "string") {
      return call;
    }
    const earlier = ids[call.index];
    if (earlier !== undefined) {
      return { ...call, id: earlier };
    }
    ids.push(call.id);
    return call;
  });
  return { calls: kept, lastToolCallIds: ids };
}
