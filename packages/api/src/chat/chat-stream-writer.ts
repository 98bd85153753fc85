import { type ApiError, streamErrorBody } from "../api-error.ts";
import { pydanticFloat } from "../json/number-text.ts";
import { isAscii, isPlainAscii, quoteJson } from "../json/string-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { chatLogprobEntries, type ChatLogprobStyle } from "../response/logprob-text.ts";
import { type ResponseOptions, STREAM_CONTENT_TYPE } from "../response/response-options.ts";
import {
  completionDetails,
  finalUsage,
  usageCounts,
  type UsageMode,
  usageMode,
} from "../response/usage-text.ts";
import { metricsTail } from "../response/request-metrics.ts";
import { SSE_DONE, sseEvent } from "../sse.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import { answerRole, echoedText } from "./chat-message-text.ts";
import { chatLogprobStyle } from "./chat-logprob-style.ts";

/** What follows the delta's text in a chunk that says nothing else. */
export const PLAIN_END = '},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n';

/** What a stream knows of one choice: in one object, as thousands of streams take turns in the processor's cache. */
export interface StreamedChoice {
  /** Everything before the text of a chunk. */
  readonly contentHead: string;
  completionTokens: number;
  hasFinished: boolean;
}

/** Renders a chat completion as a stream of chunks, one per engine output, as vLLM 0.32 does without parsers. */
export class ChatStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  isAscii = false;
  protected readonly options: ResponseOptions<ChatRequest>;
  protected readonly usage: UsageMode;
  private readonly logprobs: ChatLogprobStyle | undefined;
  protected readonly returnTokenIds: boolean;
  /** True when a chunk is its text between two constants. */
  protected readonly isPlain: boolean;
  protected readonly head: string;
  protected readonly isHeadAscii: boolean;
  protected readonly choices: readonly StreamedChoice[];
  /** Mostly the only one. */
  private readonly firstChoice: StreamedChoice;
  protected readonly finishTail: string;
  private promptInfo: PromptInfo | undefined;
  private hasBegun = false;

  constructor(options: ResponseOptions<ChatRequest>) {
    const { request, identity, settings } = options;
    this.options = options;
    this.usage = usageMode(request.streamOptions, settings);
    this.logprobs = chatLogprobStyle(request, settings, pydanticFloat);
    this.returnTokenIds = request.returnTokenIds === true;
    this.isPlain = this.logprobs === undefined && !this.returnTokenIds && !this.usage.continuous;
    this.head =
      `data: {"id":${quoteJson(identity.id)},"object":"chat.completion.chunk","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"choices":[`;
    this.isHeadAscii = isAscii(this.head);
    this.firstChoice = this.newChoice(0);
    const choices = [this.firstChoice];
    const count = Number(request.n ?? 1);
    for (let index = 1; index < count; index++) choices.push(this.newChoice(index));
    this.choices = choices;
    this.finishTail =
      this.usage.final || identity.systemFingerprint === null
        ? ""
        : `,"system_fingerprint":${quoteJson(identity.systemFingerprint)}`;
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.promptInfo = prompt;
  }

  output(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const begin = this.opening();
    this.isAscii = false;
    const state = this.choiceOf(choice);
    if (!this.takes(state, output)) return begin;
    const { contentHead } = state;
    if (finish === undefined && this.isPlain && isPlainAscii(output.text)) {
      this.isAscii = this.isHeadAscii && begin === "";
      return `${begin}${contentHead}"${output.text}"${PLAIN_END}`;
    }
    const head = begin + contentHead + quoteJson(output.text);
    if (finish === undefined && this.isPlain) return head + PLAIN_END;
    const ids = this.returnTokenIds ? idList(output.tokenIds, output.tokenCount) : "null";
    let reason = '"finish_reason":null';
    let tail = "";
    if (finish !== undefined) {
      state.hasFinished = true;
      reason = `"finish_reason":${quoteJson(finish.reason)},"stop_reason":${stopReasonText(finish.stopReason)}`;
      tail = this.finishTail;
    }
    return (
      `${head}},"logprobs":${this.logprobsText(output)},${reason},"token_ids":${ids}}]` +
      `${this.runningUsage(choice)}${tail}}\n\n`
    );
  }

  end(usage: ResponseUsage): string {
    if (!this.usage.final) return SSE_DONE;
    const { identity, settings } = this.options;
    let completionTokens = 0;
    for (const choice of this.choices) completionTokens += choice.completionTokens;
    const fingerprint =
      identity.systemFingerprint === null
        ? ""
        : `,"system_fingerprint":${quoteJson(identity.systemFingerprint)}`;
    const counts = { tokens: completionTokens, reasoningTokens: this.allReasoningTokens() };
    return `${this.head}],"usage":${finalUsage(counts, usage, settings)}${fingerprint}${metricsTail(usage.metrics, pydanticFloat)}}\n\n${SSE_DONE}`;
  }

  error(error: ApiError): string {
    return sseEvent(streamErrorBody(error)) + SSE_DONE;
  }

  /** Everything before the text of a delta with one member. */
  protected deltaHead(choice: number, member: "content" | "reasoning"): string {
    // In one piece: text of several is put together anew for every chunk that is written.
    return [this.head, `{"index":${choice},"delta":{"${member}":`].join("");
  }

  protected choiceOf(choice: number): StreamedChoice {
    return choice === 0 ? this.firstChoice : (this.choices[choice] as StreamedChoice);
  }

  /** Counts an output's tokens. @returns false for one that there is nothing to say of */
  protected takes(choice: StreamedChoice, { text, tokenCount }: ChoiceOutput): boolean {
    if (choice.hasFinished || (text === "" && tokenCount === 0 && choice.completionTokens === 0))
      return false;
    choice.completionTokens += tokenCount;
    return true;
  }

  private newChoice(index: number): StreamedChoice {
    return { contentHead: this.deltaHead(index, "content"), completionTokens: 0, hasFinished: false };
  }

  /** What came before the first output of all, if this is it. */
  protected opening(): string {
    return this.hasBegun ? "" : this.begin();
  }

  /** Reasoning tokens of a choice so far, or of none (-1); undefined where no reasoning parser runs. */
  protected reasoningTokens(_choice: number): number | undefined {
    return undefined;
  }

  /** The same of all choices. */
  protected allReasoningTokens(): number | undefined {
    return undefined;
  }

  /** Role chunks of all choices, and the echoed message; sent with the first output whatever its choice. */
  private begin(): string {
    this.hasBegun = true;
    const { request, settings } = this.options;
    const role = answerRole(request, settings);
    const prompt = this.promptInfo;
    const ids = this.returnTokenIds && prompt !== undefined ? idList(prompt.tokenIds) : "null";
    const text =
      request.returnPromptText === true && prompt?.text !== undefined ? quoteJson(prompt.text) : "null";
    const usage = this.runningUsage(-1);
    let result = "";
    for (let index = 0; index < this.choices.length; index++) {
      result +=
        `${this.head}{"index":${index},"delta":{"role":${quoteJson(role)},"content":""},"logprobs":null,` +
        `"finish_reason":null}]${usage},"prompt_token_ids":${ids},"prompt_text":${text}}\n\n`;
    }
    const echo = echoedText(request, role);
    if (echo === "") return result;
    for (const { contentHead } of this.choices) {
      result += `${contentHead}${quoteJson(echo)}},"logprobs":null,"finish_reason":null}]${usage}}\n\n`;
    }
    return result;
  }

  protected logprobsText(output: ChoiceOutput): string {
    if (this.logprobs === undefined || output.logprobs === undefined) return "null";
    return `{"content":[${chatLogprobEntries(output.logprobs, this.logprobs)}]}`;
  }

  protected runningUsage(choice: number): string {
    if (!this.usage.continuous) return "";
    const counts = usageCounts(
      this.promptInfo?.tokenIds.length ?? 0,
      this.choices[choice]?.completionTokens ?? 0,
    );
    const details = completionDetails(this.reasoningTokens(choice)) ?? "null";
    return `,"usage":{${counts},"completion_tokens_details":${details}}`;
  }
}
