import type { ApiError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { finishReasonOf, isToolForced, type ToolCallResult } from "../response/chat-outcome.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { chatLogprobEntries, type ChatLogprobStyle, promptLogprobsText } from "../response/logprob-text.ts";
import { metricsText } from "../response/request-metrics.ts";
import { JSON_CONTENT_TYPE, type ResponseOptions } from "../response/response-options.ts";
import { wholeUsage } from "../response/usage-text.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import { chatLogprobStyle } from "./chat-logprob-style.ts";
import { answerRole, echoedText } from "./chat-message-text.ts";

interface Choice {
  text: string;
  tokenIds: string;
  tokenCount: number;
  /** The ids again, gathered only for a parser. */
  parsedIds: number[];
  logprobs: string;
  finish: ChoiceFinish | undefined;
}

/** A choice as its message shows it. */
interface Outcome extends ToolCallResult {
  readonly reasoningTokens: number | undefined;
}

/**
 * Renders a chat completion as one body with every key vLLM 0.32 has, nulls included.
 *
 * @param conversations the single requests of a batch, in order; by default the request itself
 */
export function createChatCollector(
  options: ResponseOptions<ChatRequest>,
  conversations: readonly ChatRequest[] = [options.request],
): ResponseWriter {
  return new ChatCollector(options, conversations);
}

class ChatCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  private readonly options: ResponseOptions<ChatRequest>;
  private readonly logprobs: ChatLogprobStyle | undefined;
  private readonly choices: Choice[] = [];
  private promptInfo: PromptInfo | undefined;

  private readonly conversations: readonly ChatRequest[];
  private readonly sequences: number;

  constructor(options: ResponseOptions<ChatRequest>, conversations: readonly ChatRequest[]) {
    this.options = options;
    this.conversations = conversations;
    this.logprobs = chatLogprobStyle(options.request, options.settings, pythonFloat);
    this.sequences = Number(options.request.n ?? 1);
    for (let index = 0; index < this.sequences * options.promptCount; index++) {
      this.choices.push({
        text: "",
        tokenIds: "",
        tokenCount: 0,
        parsedIds: [],
        logprobs: "",
        finish: undefined,
      });
    }
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.promptInfo = prompt;
  }

  output(index: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const choice = this.choices[index] as Choice;
    choice.text += output.text;
    choice.tokenCount += output.tokenCount;
    if (this.options.parserOf !== undefined) {
      for (let at = 0; at < output.tokenCount; at++) choice.parsedIds.push(output.tokenIds[at] as number);
    }
    if (this.options.request.returnTokenIds === true && output.tokenCount > 0) {
      choice.tokenIds += `${choice.tokenIds === "" ? "" : ","}${idList(output.tokenIds, output.tokenCount).slice(1, -1)}`;
    }
    if (this.logprobs !== undefined && output.logprobs !== undefined && output.logprobs.length > 0) {
      choice.logprobs += `${choice.logprobs === "" ? "" : ","}${chatLogprobEntries(output.logprobs, this.logprobs)}`;
    }
    if (finish !== undefined) choice.finish = { ...finish };
    return "";
  }

  end(usage: ResponseUsage): string {
    const { request, identity, settings } = this.options;
    // A batch has several prompts and shows none of them.
    const prompt = this.options.promptCount === 1 ? this.promptInfo : undefined;
    const tokens = this.choices.reduce((sum, choice) => sum + choice.tokenCount, 0);
    const outcomes = this.choices.map((choice, index) => this.outcomeOf(choice, index));
    const reasoningTokens = sumOf(outcomes.map((outcome) => outcome.reasoningTokens));
    const fingerprint = identity.systemFingerprint === null ? "null" : quoteJson(identity.systemFingerprint);
    const promptIds =
      request.returnTokenIds === true && prompt !== undefined ? idList(prompt.tokenIds) : "null";
    const promptText =
      request.returnPromptText === true && prompt?.text !== undefined ? quoteJson(prompt.text) : "null";
    return (
      `{"id":${quoteJson(identity.id)},"object":"chat.completion","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"choices":[${this.choicesText(outcomes)}],"service_tier":null,` +
      `"system_fingerprint":${fingerprint},"usage":${wholeUsage({ tokens, reasoningTokens }, usage, settings)},` +
      `"prompt_logprobs":${promptLogprobsText(prompt?.logprobs, pythonFloat)},"prompt_token_ids":${promptIds},` +
      `"prompt_text":${promptText},"kv_transfer_params":${usage.kvTransferParams ?? "null"},` +
      `"ec_transfer_params":null,"metrics":${metricsText(usage.metrics, pythonFloat)}}`
    );
  }

  error(error: ApiError): never {
    throw error;
  }

  /** A choice taken apart; without a parser all of it is content. */
  private outcomeOf(choice: Choice, index: number): Outcome {
    const { request, parserOf } = this.options;
    const parser = parserOf?.(index);
    if (parser === undefined) {
      return { reasoning: null, content: choice.text, toolCalls: null, reasoningTokens: undefined };
    }
    const { reasoning, content, toolCalls } = parser.parse(choice.text, choice.parsedIds);
    const shown = isToolForced(request) ? (content ?? "") : content;
    return { reasoning, content: shown, toolCalls, reasoningTokens: parser.reasoningTokens() };
  }

  private choicesText(outcomes: readonly Outcome[]): string {
    const { request, settings } = this.options;
    const shared = this.conversations.map((conversation) => {
      const role = answerRole(conversation, settings);
      return { role, echo: echoedText(conversation, role) };
    });
    const own = (index: number): { role: string; echo: string } =>
      shared[Math.floor(index / this.sequences)] ?? { role: answerRole(request, settings), echo: "" };
    return this.choices
      .map((choice, index) =>
        this.choiceText(choice, { index, outcome: outcomes[index] as Outcome, ...own(index) }),
      )
      .join(",");
  }

  private choiceText(
    choice: Choice,
    shared: { index: number; role: string; echo: string; outcome: Outcome },
  ): string {
    const { finish } = choice;
    const { request } = this.options;
    const { outcome, echo } = shared;
    // Neither may show reasoning that is hidden.
    const hides = this.options.parserOf !== undefined && !request.includeReasoning;
    const logprobs = this.logprobs === undefined || hides ? "null" : `{"content":[${choice.logprobs}]}`;
    const ids = request.returnTokenIds === true && !hides ? `[${choice.tokenIds}]` : "null";
    const content = outcome.content === null && !request.echo ? null : echo + (outcome.content ?? "");
    const reason = finishReasonOf(outcome, request, finish?.reason ?? "stop");
    return (
      `{"index":${shared.index},"message":{"role":${quoteJson(shared.role)},` +
      `"content":${textOrNull(content)},"refusal":null,"annotations":null,"audio":null,` +
      `"function_call":null,${this.toolCallsText(outcome)}"reasoning":${textOrNull(outcome.reasoning)}},` +
      `"logprobs":${logprobs},"finish_reason":${quoteJson(reason)},"stop_reason":${stopReasonText(finish?.stopReason ?? null)},` +
      `"token_ids":${ids},"routed_experts":null}`
    );
  }

  /** The key is absent where nothing was called. */
  private toolCallsText(outcome: Outcome): string {
    const { request, toolCallId } = this.options;
    const calls = outcome.toolCalls ?? [];
    const allowed = request.parallelToolCalls === false ? calls.slice(0, 1) : calls;
    if (allowed.length === 0) return "";
    const texts = allowed.map(
      (call) =>
        `{"id":${quoteJson(call.id ?? toolCallId?.() ?? "")},"type":"function","function":` +
        `{"name":${quoteJson(call.name)},"arguments":${quoteJson(call.arguments)}}}`,
    );
    return `"tool_calls":[${texts.join(",")}],`;
  }
}

function textOrNull(text: string | null): string {
  return text === null ? "null" : quoteJson(text);
}

function sumOf(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((sum, count) => (count === undefined ? sum : (sum ?? 0) + count), undefined);
}
