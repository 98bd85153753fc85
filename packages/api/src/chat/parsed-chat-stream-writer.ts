import type { OutputDelta, OutputParser } from "@vllm-router/text";
import { isPlainAscii, quoteJson } from "../json/string-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { isToolNamed } from "../response/chat-outcome.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import type { ResponseOptions } from "../response/response-options.ts";
import type { ChoiceFinish, ChoiceOutput } from "../writer.ts";
import { ChatStreamWriter, PLAIN_END } from "./chat-stream-writer.ts";
import { deltaText } from "./delta-text.ts";

const NOTHING: OutputDelta = { content: undefined, reasoning: undefined, toolCalls: undefined };

/** The stream of a server with parsers: an output becomes a chunk when its parser has something to say, or it ends the choice. */
export class ParsedChatStreamWriter extends ChatStreamWriter {
  private readonly parsers: readonly OutputParser[];
  private readonly hasCalled: boolean[];
  /** Everything before the reasoning of a chunk, per choice, once there was any. */
  private readonly reasoningHeads: string[] = [];
  /** Nothing that could show hidden reasoning: no logprobs, no token ids. */
  private readonly hides: boolean;

  constructor(options: ResponseOptions<ChatRequest>, parserOf: (choice: number) => OutputParser) {
    super(options);
    this.parsers = this.choices.map((_, choice) => parserOf(choice));
    this.hasCalled = this.parsers.map(() => false);
    this.hides = !options.request.includeReasoning;
  }

  override output(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const begin = this.opening();
    this.isAscii = false;
    const state = this.choiceOf(choice);
    if (!this.takes(state, output)) return begin;
    const delta = this.parse(choice, output, finish !== undefined);
    if (delta !== undefined && finish === undefined && this.isPlain) {
      const chunk = this.plainChunk(choice, delta);
      if (chunk !== undefined) {
        this.isAscii = this.isHeadAscii && begin === "";
        return begin + chunk;
      }
    }
    const logprobs = this.hides ? "null" : this.logprobsText(output);
    const showsIds = this.returnTokenIds && !this.hides;
    if (delta === undefined && finish === undefined && logprobs === "null" && !showsIds) return begin;
    const ids = showsIds ? idList(output.tokenIds, output.tokenCount) : "null";
    let reason = '"finish_reason":null';
    let tail = "";
    if (finish !== undefined) {
      state.hasFinished = true;
      reason = `"finish_reason":${quoteJson(this.reasonOf(choice, finish))},"stop_reason":${stopReasonText(finish.stopReason)}`;
      tail = this.finishTail;
    }
    return (
      `${begin}${this.head}{"index":${choice},"delta":${deltaText(this.allowed(delta ?? NOTHING))},"logprobs":${logprobs},` +
      `${reason},"token_ids":${ids}}]${this.runningUsage(choice)}${tail}}\n\n`
    );
  }

  protected override reasoningTokens(choice: number): number | undefined {
    const parser = this.parsers[Math.max(choice, 0)];
    const count = parser?.reasoningTokens();
    return count === undefined || choice >= 0 ? count : 0;
  }

  protected override allReasoningTokens(): number | undefined {
    let sum: number | undefined;
    for (const parser of this.parsers) {
      const count = parser.reasoningTokens();
      if (count !== undefined) sum = (sum ?? 0) + count;
    }
    return sum;
  }

  /** The chunk of a delta that is one piece of ASCII, as nearly all are; undefined for any other. */
  private plainChunk(choice: number, { content, reasoning, toolCalls }: OutputDelta): string | undefined {
    if (toolCalls !== undefined && toolCalls.length > 0) return undefined;
    if (typeof content === "string" && reasoning === undefined && isPlainAscii(content))
      return `${this.choiceOf(choice).contentHead}"${content}"${PLAIN_END}`;
    if (typeof reasoning === "string" && content === undefined && isPlainAscii(reasoning)) {
      const head = (this.reasoningHeads[choice] ??= this.deltaHead(choice, "reasoning"));
      return `${head}"${reasoning}"${PLAIN_END}`;
    }
    return undefined;
  }

  private parse(choice: number, output: ChoiceOutput, finished: boolean): OutputDelta | undefined {
    const ids: number[] = [];
    for (let at = 0; at < output.tokenCount; at++) ids.push(output.tokenIds[at] as number);
    const delta = this.parsers[choice]?.push(output.text, ids, finished);
    if (delta?.toolCalls !== undefined && delta.toolCalls.length > 0) this.hasCalled[choice] = true;
    return delta;
  }

  /** A named call keeps the engine's reason, and so does a call that was cut off. */
  private reasonOf(choice: number, finish: ChoiceFinish): string {
    const called = this.hasCalled[choice] === true && !isToolNamed(this.options.request);
    return called && finish.reason === "stop" ? "tool_calls" : finish.reason;
  }

  private allowed(delta: OutputDelta): OutputDelta {
    if (this.options.request.parallelToolCalls !== false || delta.toolCalls === undefined) return delta;
    return { ...delta, toolCalls: delta.toolCalls.filter((call) => call.index === 0) };
  }
}
