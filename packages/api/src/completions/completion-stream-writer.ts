import { type ApiError, streamErrorBody } from "../api-error.ts";
import { pydanticFloat } from "../json/number-text.ts";
import { isAscii, isPlainAscii, quoteJson } from "../json/string-text.ts";
import type { CompletionRequest } from "../request/completion-request.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { CompletionLogprobLists } from "../response/logprob-text.ts";
import { type ResponseOptions, STREAM_CONTENT_TYPE } from "../response/response-options.ts";
import { finalUsage, usageCounts, type UsageMode, usageMode } from "../response/usage-text.ts";
import { metricsTail } from "../response/request-metrics.ts";
import { SSE_DONE, sseEvent } from "../sse.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import {
  addOutput,
  addPrompt,
  type CompletionLogprobStyle,
  completionLogprobStyle,
  echoedPrompt,
  isPromptOnly,
} from "./completion-logprob-style.ts";

const PLAIN_END =
  ',"logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}\n\n';

/** What a stream knows of one choice: in one object, as thousands of streams take turns in the processor's cache. */
interface StreamedChoice {
  /** Everything before the text of a chunk. */
  readonly textHead: string;
  completionTokens: number;
  textOffset: number;
  /** Its first chunk still has the prompt to show. */
  isPromptPending: boolean;
}

/** Renders a completion as a stream of chunks, one per engine output, as vLLM 0.32 does. */
export function createCompletionStreamWriter(options: ResponseOptions<CompletionRequest>): ResponseWriter {
  return new CompletionStreamWriter(options);
}

class CompletionStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  isAscii = false;
  private readonly options: ResponseOptions<CompletionRequest>;
  private readonly usage: UsageMode;
  private readonly logprobs: CompletionLogprobStyle | undefined;
  /** Sequences per prompt. */
  private readonly sequences: number;
  private readonly isPlain: boolean;
  private readonly head: string;
  private readonly isHeadAscii: boolean;
  private readonly choices: readonly StreamedChoice[];
  /** Mostly the only one. */
  private readonly firstChoice: StreamedChoice;
  private readonly prompts: PromptInfo[] = [];
  private readonly finishTail: string;

  constructor(options: ResponseOptions<CompletionRequest>) {
    const { request, identity, settings, promptCount } = options;
    this.options = options;
    this.usage = usageMode(request.streamOptions, settings);
    this.logprobs = completionLogprobStyle(request, settings, pydanticFloat);
    this.sequences = Number(request.n);
    this.isPlain = this.logprobs === undefined && request.returnTokenIds !== true && !this.usage.continuous;
    this.head =
      `data: {"id":${quoteJson(identity.id)},"object":"text_completion","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"choices":[`;
    this.isHeadAscii = isAscii(this.head);
    const showsPrompt = request.echo === true || request.returnTokenIds === true;
    this.firstChoice = this.newChoice(0, showsPrompt);
    const choices = [this.firstChoice];
    for (let index = 1; index < this.sequences * promptCount; index++) {
      choices.push(this.newChoice(index, showsPrompt));
    }
    this.choices = choices;
    this.finishTail =
      this.usage.final || identity.systemFingerprint === null
        ? ""
        : `,"system_fingerprint":${quoteJson(identity.systemFingerprint)}`;
  }

  prompt(promptIndex: number, prompt: PromptInfo): void {
    this.prompts[promptIndex] = prompt;
  }

  output(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    this.isAscii = false;
    const state = this.choiceOf(choice);
    if (state.isPromptPending) return this.firstChunk(choice, output, finish);
    if (output.text === "" && output.tokenCount === 0 && state.completionTokens === 0) return "";
    if (finish === undefined && this.isPlain) {
      state.completionTokens += output.tokenCount;
      const head = state.textHead;
      if (!isPlainAscii(output.text)) return head + quoteJson(output.text) + PLAIN_END;
      this.isAscii = this.isHeadAscii;
      return `${head}"${output.text}"${PLAIN_END}`;
    }
    let logprobs = "null";
    if (this.logprobs !== undefined) {
      const lists = new CompletionLogprobLists(this.logprobs, this.logprobs.alternatives);
      state.textOffset = addOutput(lists, output, state.textOffset);
      logprobs = lists.text();
    }
    return this.chunk({ choice, text: output.text, logprobs, promptIds: "null", output, finish });
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
    return `${this.head}],"usage":${finalUsage({ tokens: completionTokens }, usage, settings)}${fingerprint}${metricsTail(usage.metrics, pydanticFloat)}}\n\n${SSE_DONE}`;
  }

  error(error: ApiError): string {
    return sseEvent(streamErrorBody(error)) + SSE_DONE;
  }

  /** The chunk that brings the prompt: its text and logprobs with `echo`, its ids in any case. */
  private firstChunk(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const { request } = this.options;
    const prompt = this.prompts[Math.floor(choice / this.sequences)];
    const state = this.choiceOf(choice);
    state.isPromptPending = false;
    if (prompt === undefined) return this.output(choice, output, finish);
    const promptIds = idList(prompt.tokenIds);
    const echo = request.echo === true;
    if (!echo && output.text === "" && output.tokenCount === 0) return "";
    const promptOnly = isPromptOnly(request);
    const text = (echo ? echoedPrompt(request, prompt) : "") + (promptOnly ? "" : output.text);
    let logprobs = "null";
    if (this.logprobs !== undefined) {
      const lists = new CompletionLogprobLists(this.logprobs, this.logprobs.alternatives);
      let offset = echo ? addPrompt(lists, prompt, 0) : 0;
      if (!promptOnly) offset = addOutput(lists, output, offset);
      state.textOffset = offset;
      logprobs = lists.text();
    }
    return this.chunk({ choice, text, logprobs, promptIds, output, finish });
  }

  private chunk(parts: {
    readonly choice: number;
    readonly text: string;
    readonly logprobs: string;
    readonly promptIds: string;
    readonly output: ChoiceOutput;
    readonly finish: ChoiceFinish | undefined;
  }): string {
    const { choice, output, finish } = parts;
    const state = this.choiceOf(choice);
    state.completionTokens += output.tokenCount;
    const ids =
      this.options.request.returnTokenIds === true ? idList(output.tokenIds, output.tokenCount) : "null";
    const reason = finish === undefined ? "null" : quoteJson(finish.reason);
    const stopReason = finish === undefined ? "null" : stopReasonText(finish.stopReason);
    return (
      `${state.textHead}${quoteJson(parts.text)},"logprobs":${parts.logprobs},` +
      `"finish_reason":${reason},"stop_reason":${stopReason},"prompt_token_ids":${parts.promptIds},` +
      `"token_ids":${ids}}]${this.runningUsage(choice)}${finish === undefined ? "" : this.finishTail}}\n\n`
    );
  }

  private runningUsage(choice: number): string {
    if (!this.usage.continuous) return "";
    const prompt = this.prompts[Math.floor(choice / this.sequences)];
    return `,"usage":{${usageCounts(prompt?.tokenIds.length ?? 0, this.choiceOf(choice).completionTokens)}}`;
  }

  private choiceOf(choice: number): StreamedChoice {
    return choice === 0 ? this.firstChoice : (this.choices[choice] as StreamedChoice);
  }

  private newChoice(index: number, isPromptPending: boolean): StreamedChoice {
    // In one piece: text of several is put together anew for every chunk that is written.
    const textHead = [this.head, `{"index":${index},"text":`].join("");
    return { textHead, completionTokens: 0, textOffset: 0, isPromptPending };
  }
}
