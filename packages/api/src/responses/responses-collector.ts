import { type ApiError, badRequestError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { unwritableText } from "../json/unwritable-text.ts";
import type { ToolCallResult } from "../response/chat-outcome.ts";
import { CollectedChoice } from "../response/collected-choice.ts";
import { idList } from "../response/id-list.ts";
import { JSON_CONTENT_TYPE } from "../response/response-options.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import { customToolInput } from "./custom-tool-input.ts";
import {
  customCallItem,
  functionCallItem,
  messageItem,
  outputTextPart,
  reasoningItem,
  reasoningPart,
} from "./output-items.ts";
import { itemLogprobs } from "./response-logprobs.ts";
import { responseObject, type ResponseState, responseUsage } from "./response-object.ts";
import type { ResponsesOptions } from "./responses-options.ts";
import { toolsOf } from "./responses-request.ts";
import { toolNames } from "./responses-tools.ts";

/** Renders an answer of the Responses API as one body, as vLLM 0.32 does. */
export function createResponsesCollector(options: ResponsesOptions): ResponseWriter {
  return new ResponsesCollector(options);
}

class ResponsesCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly #options: ResponsesOptions;
  readonly #choice = new CollectedChoice();
  readonly #answers: string[] = [];
  #logprobs = "";
  #prompt: PromptInfo | undefined;

  constructor(options: ResponsesOptions) {
    this.#options = options;
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.#prompt = prompt;
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    this.#choice.add(output, finish);
    const { request, settings } = this.#options;
    if (request.logprobs === true && output.logprobs !== undefined && output.logprobs.length > 0) {
      const style = {
        top: Number(request.topLogprobs),
        tokensAsIds: settings.returnTokensAsTokenIds,
        float: pythonFloat,
      };
      this.#logprobs += `${this.#logprobs === "" ? "" : ","}${itemLogprobs(output.logprobs, style)}`;
    }
    return "";
  }

  end(usage: ResponseUsage): string {
    const { parserOf, responses } = this.#options;
    const choice = this.#choice;
    const parser = parserOf?.(0);
    const output =
      parser === undefined
        ? this.#plainMessage()
        : this.#items(parser.parse(choice.text, choice.tokenIds)).join(",");
    const state: ResponseState = {
      status: choice.finishReason === "length" ? "incomplete" : "completed",
      output,
      usage: responseUsage({
        promptTokens: usage.promptTokens,
        cachedTokens: usage.cachedTokens ?? 0,
        outputTokens: choice.tokenCount,
        // Known once the output is parsed.
        reasoningTokens: parser?.reasoningTokens() ?? 0,
      }),
      kvTransferParams: usage.kvTransferParams,
      metrics: usage.metrics,
      messages: responses.enableResponseMessages
        ? rawMessages(this.#prompt, choice.text, choice.tokenIds)
        : undefined,
    };
    const body = responseObject(this.#options, state, pythonFloat);
    const fault = unwritableText(body);
    if (fault !== undefined) throw badRequestError(fault);
    this.#options.finished?.({ body, answers: this.#answers });
    return body;
  }

  error(error: ApiError): never {
    throw error;
  }

  #plainMessage(): string {
    const { text } = this.#choice;
    const id = `msg_${this.#options.randomId()}`;
    if (text !== "") this.#answers.push(text);
    return messageItem(id, "completed", text === "" ? "" : outputTextPart(text, this.#shownLogprobs(true)));
  }

  #shownLogprobs(isShown: boolean): string {
    return isShown && this.#logprobs !== "" ? `[${this.#logprobs}]` : "null";
  }

  #items(outcome: ToolCallResult): readonly string[] {
    const { responses, randomId } = this.#options;
    const items: string[] = [];
    const reasoning = responses.includeReasoning ? (outcome.reasoning ?? "") : "";
    if (reasoning !== "") {
      items.push(reasoningItem(`rs_${randomId()}`, null, `[${reasoningPart(reasoning)}]`));
    }
    if (outcome.content !== null && outcome.content !== "") {
      this.#answers.push(outcome.content);
      const part = outputTextPart(outcome.content, this.#shownLogprobs(responses.includeReasoning));
      items.push(messageItem(`msg_${randomId()}`, "completed", part));
    }
    const calls = outcome.toolCalls ?? [];
    const names = toolNames(toolsOf(responses));
    for (const call of responses.parallelToolCalls === false ? calls.slice(0, 1) : calls) {
      const callId = call.id ?? `chatcmpl-tool-${randomId()}`;
      if (names.custom.has(call.name)) {
        const input = customToolInput(call.arguments);
        items.push(customCallItem({ id: `ctc_${randomId()}`, callId, name: call.name, input }));
        continue;
      }
      items.push(
        functionCallItem({
          id: `fc_${randomId()}`,
          callId,
          tool: names.resolve(call.name),
          arguments: call.arguments,
          status: "completed",
        }),
      );
    }
    return items;
  }
}

/** `input_messages` and `output_messages`: what the model really read and wrote. */
export function rawMessages(
  prompt: PromptInfo | undefined,
  text: string,
  tokenIds: readonly number[],
): { readonly input: string; readonly output: string } {
  const isEmpty = text === "" && tokenIds.length === 0;
  return {
    input: `[${rawMessage(prompt?.text ?? "", prompt?.tokenIds ?? [])}]`,
    output: isEmpty ? "null" : `[${rawMessage(text, tokenIds)}]`,
  };
}

function rawMessage(text: string, tokenIds: ArrayLike<number>): string {
  return `{"message":${quoteJson(text)},"tokens":${idList(tokenIds)},"type":"raw_message_tokens"}`;
}
