import type { OutputDelta, OutputParser, ToolCallDelta } from "@vllm-router/text";
import { type ApiError } from "../api-error.ts";
import { pydanticFloat, pythonFloat } from "../json/number-text.ts";
import { STREAM_CONTENT_TYPE } from "../response/response-options.ts";
import type {
  ChoiceFinish,
  ChoiceOutput,
  PositionLogprobs,
  PromptInfo,
  ResponseUsage,
  ResponseWriter,
} from "../writer.ts";
import { errorEvent } from "./error-event.ts";
import { ItemStream } from "./item-stream.ts";
import { responseObject, type ResponseState, responseUsage } from "./response-object.ts";
import { rawMessages } from "./responses-collector.ts";
import type { ResponsesOptions } from "./responses-options.ts";
import { toolsOf } from "./responses-request.ts";
import { toolNames } from "./responses-tools.ts";

/** Renders an answer of the Responses API as a stream of events, item by item, as vLLM 0.32 does. */
export function createResponsesStreamWriter(options: ResponsesOptions): ResponseWriter {
  return new ResponsesStreamWriter(options);
}

class ResponsesStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  readonly #options: ResponsesOptions;
  readonly #items: ItemStream;
  readonly #tokenIds: number[] = [];
  #parser: OutputParser | undefined;
  #text = "";
  #prompt: PromptInfo | undefined;
  #hasBegun = false;
  #finish: ChoiceFinish | undefined;

  constructor(options: ResponsesOptions) {
    const { request, responses, settings, randomId } = options;
    this.#options = options;
    this.#items = new ItemStream({
      names: toolNames(toolsOf(responses)),
      randomId,
      style: {
        top: Number(request.topLogprobs),
        tokensAsIds: settings.returnTokensAsTokenIds,
        float: pydanticFloat,
      },
    });
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.#prompt = prompt;
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const begin = this.#begin();
    if (this.#finish !== undefined) return begin;
    const { parserOf, responses } = this.#options;
    if (responses.enableResponseMessages) this.#text += output.text;
    const first = this.#tokenIds.length;
    for (let index = 0; index < output.tokenCount; index++) {
      this.#tokenIds.push(output.tokenIds[index] as number);
    }
    if (finish !== undefined) this.#finish = { ...finish };
    if (parserOf === undefined) return begin + this.#items.content(output.text, this.#logprobs(output));
    this.#parser ??= parserOf(0);
    const delta = this.#parser.push(output.text, this.#tokenIds.slice(first), finish !== undefined);
    return delta === undefined ? begin : begin + this.#delta(delta, output);
  }

  end(usage: ResponseUsage): string {
    const { responses } = this.#options;
    const close = this.#begin() + this.#items.close();
    const state: ResponseState = {
      status: this.#finish?.reason === "length" ? "incomplete" : "completed",
      output: this.#items.finished.join(","),
      usage: responseUsage({
        promptTokens: usage.promptTokens,
        cachedTokens: usage.cachedTokens ?? 0,
        outputTokens: this.#tokenIds.length,
        reasoningTokens: this.#parser?.reasoningTokens() ?? 0,
      }),
      kvTransferParams: usage.kvTransferParams,
      metrics: usage.metrics,
      messages: responses.enableResponseMessages
        ? rawMessages(this.#prompt, this.#text, this.#tokenIds)
        : undefined,
    };
    const response = responseObject(this.#options, state, pydanticFloat);
    this.#options.finished?.({
      body: responseObject(this.#options, state, pythonFloat),
      answers: this.#items.answers,
    });
    return close + this.#items.event("response.completed", `"response":${response},`);
  }

  /** vLLM cuts the connection here; an event of OpenAI's own kind says what happened. */
  error(error: ApiError): string {
    return this.#begin() + errorEvent(error, (type, members) => this.#items.event(type, members));
  }

  #begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    const state: ResponseState = { status: "in_progress", output: "", usage: "null" };
    const response = `"response":${responseObject(this.#options, state, pydanticFloat)},`;
    return (
      this.#items.event("response.created", response) + this.#items.event("response.in_progress", response)
    );
  }

  /** Logprobs of an output; none where they might show reasoning that is hidden. */
  #logprobs(output: ChoiceOutput): readonly PositionLogprobs[] {
    const { request, responses, parserOf } = this.#options;
    const isHidden = !responses.includeReasoning && parserOf !== undefined;
    return request.logprobs === true && !isHidden ? (output.logprobs ?? []) : [];
  }

  #delta(delta: OutputDelta, output: ChoiceOutput): string {
    const { responses } = this.#options;
    let text = "";
    if (delta.reasoning !== undefined && delta.reasoning !== null) {
      text += this.#items.reasoning(delta.reasoning);
    }
    if (delta.content !== undefined && delta.content !== null) {
      text += this.#items.content(delta.content, this.#logprobs(output));
    }
    const calls = (delta.toolCalls ?? []).filter(
      (call) => responses.parallelToolCalls !== false || call.index === 0,
    );
    for (const group of byIndex(calls)) text += this.#items.call(group);
    return text;
  }
}

/** Pieces of the same call belong to one event. */
function byIndex(calls: readonly ToolCallDelta[]): Iterable<readonly ToolCallDelta[]> {
  const groups = new Map<number, ToolCallDelta[]>();
  for (const call of calls) {
    const group = groups.get(call.index);
    if (group === undefined) groups.set(call.index, [call]);
    else group.push(call);
  }
  return groups.values();
}
