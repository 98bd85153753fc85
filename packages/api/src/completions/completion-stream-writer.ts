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
  private readonly textHeads: string[] = [];
  private readonly completionTokens: number[] = [];
  private readonly textOffsets: number[] = [];
  /** Choices whose first chunk still has the prompt to show. */
  private readonly promptPending: boolean[] = [];
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
    for (let index = 0; index < this.sequences * promptCount; index++) {
      this.textHeads.push(`${this.head}{"index":${index},"text":`);
      this.completionTokens.push(0);
      this.textOffsets.push(0);
      this.promptPending.push(showsPrompt);
    }
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
    if (this.promptPending[choice] === true) return this.firstChunk(choice, output, finish);
    const tokens = this.completionTokens[choice] as number;
    if (output.text === "" && output.tokenCount === 0 && tokens === 0) return "";
    if (finish === undefined && this.isPlain) {
      this.completionTokens[choice] = tokens + output.tokenCount;
      const head = this.textHeads[choice] as string;
      if (!isPlainAscii(output.text)) return head + quoteJson(output.text) + PLAIN_END;
      this.isAscii = this.isHeadAscii;
      return `${head}"${output.text}"${PLAIN_END}`;
    }
    let logprobs = "null";
    if (this.logprobs !== undefined) {
      const lists = new CompletionLogprobLists(this.logprobs, this.logprobs.alternatives);
      this.textOffsets[choice] = addOutput(lists, output, this.textOffsets[choice] as number);
      logprobs = lists.text();
    }
    return this.chunk({ choice, text: output.text, logprobs, promptIds: "null", output, finish });
  }

  end(usage: ResponseUsage): string {
    if (!this.usage.final) return SSE_DONE;
    const { identity, settings } = this.options;
    let completionTokens = 0;
    for (const tokens of this.completionTokens) completionTokens += tokens;
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
    this.promptPending[choice] = false;
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
      this.textOffsets[choice] = offset;
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
    this.completionTokens[choice] = (this.completionTokens[choice] as number) + output.tokenCount;
    const ids =
      this.options.request.returnTokenIds === true ? idList(output.tokenIds, output.tokenCount) : "null";
    const reason = finish === undefined ? "null" : quoteJson(finish.reason);
    const stopReason = finish === undefined ? "null" : stopReasonText(finish.stopReason);
    return (
      `${this.textHeads[choice] as string}${quoteJson(parts.text)},"logprobs":${parts.logprobs},` +
      `"finish_reason":${reason},"stop_reason":${stopReason},"prompt_token_ids":${parts.promptIds},` +
      `"token_ids":${ids}}]${this.runningUsage(choice)}${finish === undefined ? "" : this.finishTail}}\n\n`
    );
  }

  private runningUsage(choice: number): string {
    if (!this.usage.continuous) return "";
    const prompt = this.prompts[Math.floor(choice / this.sequences)];
    return `,"usage":{${usageCounts(prompt?.tokenIds.length ?? 0, this.completionTokens[choice] as number)}}`;
  }
}
