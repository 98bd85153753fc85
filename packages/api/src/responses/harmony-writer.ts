import type { HarmonyMessage, HarmonyReader, HarmonySegment } from "@vllm-router/text";
import type { ApiError } from "../api-error.ts";
import { pydanticFloat, pythonFloat } from "../json/number-text.ts";
import { JSON_CONTENT_TYPE, STREAM_CONTENT_TYPE } from "../response/response-options.ts";
import type { ChoiceFinish, ChoiceOutput, ResponseUsage, ResponseWriter } from "../writer.ts";
import type { HarmonyEntry, KnownCall } from "./harmony-input.ts";
import { HarmonyItemStream } from "./harmony-item-stream.ts";
import { harmonyItem, type HarmonyItemOptions, type ToldItem } from "./harmony-items.ts";
import { functionNames } from "./harmony-recipient.ts";
import { harmonyEntryOf, rawHarmony } from "./raw-harmony.ts";
import { errorEvent } from "./error-event.ts";
import { responseObject, type ResponseState, responseUsage } from "./response-object.ts";
import type { ResponsesOptions } from "./responses-options.ts";
import { toolsOf } from "./responses-request.ts";

/** What answering as gpt-oss does needs beside the options of every response. */
export interface HarmonyAnswer {
  /** The conversation the model was given. */
  readonly conversation: readonly HarmonyEntry[];
  readonly reader: HarmonyReader;
}

/** Renders what gpt-oss says as an answer of the Responses API, streamed or as one body, as vLLM 0.32 does. */
export function createHarmonyResponsesWriter(
  options: ResponsesOptions,
  answer: HarmonyAnswer,
): ResponseWriter {
  return options.responses.stream === true
    ? new HarmonyStreamWriter(options, answer)
    : new HarmonyCollector(options, answer);
}

/** The output as it is read: its messages, and what a stream has told of each. */
class HarmonyOutput {
  readonly itemOptions: HarmonyItemOptions;
  readonly #options: ResponsesOptions;
  readonly #answer: HarmonyAnswer;
  readonly #messages: { readonly message: HarmonyMessage; readonly told: readonly ToldItem[] }[] = [];
  #tokenCount = 0;
  #finish: ChoiceFinish | undefined;
  /** The last message was ended by nothing but the output's end. */
  #isCutOff = false;

  constructor(options: ResponsesOptions, answer: HarmonyAnswer) {
    this.#options = options;
    this.#answer = answer;
    this.itemOptions = {
      declared: functionNames(toolsOf(options.responses)),
      randomId: options.randomId,
    };
  }

  /** Reads an output. @returns what its tokens did */
  read(output: ChoiceOutput, finish: ChoiceFinish | undefined): readonly HarmonySegment[] {
    if (this.#finish !== undefined) return [];
    const { reader } = this.#answer;
    const segments: HarmonySegment[] = [];
    for (let index = 0; index < output.tokenCount; index++) {
      const segment = reader.push(output.tokenIds[index] as number);
      if (segment !== undefined) segments.push(segment);
    }
    this.#tokenCount += output.tokenCount;
    if (finish !== undefined) {
      this.#finish = { ...finish };
      const rest = reader.end();
      this.#isCutOff = rest.length > 0;
      segments.push(...rest);
    }
    return segments;
  }

  /** Keeps a whole message. */
  add(message: HarmonyMessage, told: readonly ToldItem[]): void {
    this.#messages.push({ message, told });
  }

  /** The finished response, as the given way of writing numbers has it. @throws ApiError where vLLM fails */
  finished(usage: ResponseUsage, float: (value: number) => string): string {
    const { responses } = this.#options;
    const items = this.#messages.flatMap(({ message, told }, index) => {
      const incomplete = this.#isCutOff && index === this.#messages.length - 1;
      return harmonyItem(message, this.itemOptions, { incomplete, told }) ?? [];
    });
    const said = this.#messages.map(({ message }) => harmonyEntryOf(message));
    const counts = {
      promptTokens: usage.promptTokens,
      cachedTokens: usage.cachedTokens ?? 0,
      outputTokens: this.#tokenCount,
      reasoningTokens: this.#answer.reader.reasoningTokens,
    };
    const isCut = items.length === 0 || this.#finish?.reason === "length";
    const state: ResponseState = {
      status: isCut ? "incomplete" : "completed",
      output: items.map((item) => item.text).join(","),
      usage: responseUsage(counts, true),
      kvTransferParams: usage.kvTransferParams,
      metrics: usage.metrics,
      messages: responses.enableResponseMessages
        ? { input: rawHarmony(this.#answer.conversation), output: rawHarmony(said) }
        : undefined,
    };
    this.#options.finished?.({
      body: responseObject(this.#options, state, pythonFloat),
      answers: items.flatMap((item) => item.answer ?? []),
      harmony: {
        entries: [...this.#answer.conversation, ...said],
        calls: items.flatMap((item): readonly KnownCall[] => (item.call === undefined ? [] : [item.call])),
      },
    });
    return responseObject(this.#options, state, float);
  }
}

class HarmonyCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly #output: HarmonyOutput;

  constructor(options: ResponsesOptions, answer: HarmonyAnswer) {
    this.#output = new HarmonyOutput(options, answer);
  }

  prompt(): void {
    // The conversation is shown, not the prompt it became.
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    for (const { completed } of this.#output.read(output, finish)) {
      if (completed !== undefined) this.#output.add(completed, []);
    }
    return "";
  }

  end(usage: ResponseUsage): string {
    return this.#output.finished(usage, pythonFloat);
  }

  error(error: ApiError): never {
    throw error;
  }
}

class HarmonyStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  readonly #options: ResponsesOptions;
  readonly #output: HarmonyOutput;
  readonly #items: HarmonyItemStream;
  #hasBegun = false;

  constructor(options: ResponsesOptions, answer: HarmonyAnswer) {
    this.#options = options;
    this.#output = new HarmonyOutput(options, answer);
    this.#items = new HarmonyItemStream(this.#output.itemOptions);
  }

  prompt(): void {
    // The conversation is shown, not the prompt it became.
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    let text = this.#begin();
    for (const segment of this.#output.read(output, finish)) {
      text += this.#items.piece(segment);
      if (segment.completed === undefined) continue;
      const { events, told } = this.#items.done(segment.completed);
      text += events;
      this.#output.add(segment.completed, told);
    }
    return text;
  }

  end(usage: ResponseUsage): string {
    const response = this.#output.finished(usage, pydanticFloat);
    return this.#begin() + this.#items.event("response.completed", `"response":${response},`);
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
}
