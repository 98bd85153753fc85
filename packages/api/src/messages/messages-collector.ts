import { type ApiError, badRequestError } from "../api-error.ts";
import { JsonError } from "../json/json-error.ts";
import type { JsonObject } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import { CollectedChoice } from "../response/collected-choice.ts";
import { finishReasonOf, type ToolCallResult } from "../response/chat-outcome.ts";
import { JSON_CONTENT_TYPE } from "../response/response-options.ts";
import { issue } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";
import type { ChoiceFinish, ChoiceOutput, ResponseUsage, ResponseWriter } from "../writer.ts";
import { type MessagesResponseOptions, thinkingSignature } from "./messages-options.ts";
import { messageStop } from "./messages-stop.ts";
import { messageUsage } from "./messages-usage.ts";

/** Renders an answer of the Messages API as one body, without nulls, as vLLM 0.32 does. */
export function createMessagesCollector(options: MessagesResponseOptions): ResponseWriter {
  return new MessagesCollector(options);
}

class MessagesCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly #options: MessagesResponseOptions;
  readonly #choice = new CollectedChoice();

  constructor(options: MessagesResponseOptions) {
    this.#options = options;
  }

  prompt(): void {
    // Nothing of the prompt is shown.
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    this.#choice.add(output, finish);
    return "";
  }

  end(usage: ResponseUsage): string {
    const { identity, request, settings, parserOf } = this.#options;
    const outcome = this.#choice.outcome(request, parserOf);
    const calls = outcome.toolCalls ?? [];
    const stop = messageStop({
      finishReason: finishReasonOf(outcome, request, this.#choice.finishReason),
      stopReason: this.#choice.stopReason,
      toolUsed: calls.length > 0,
      toolComplete: calls.length > 0,
    });
    const reason = stop.reason === null ? "" : `,"stop_reason":${quoteJson(stop.reason)}`;
    const sequence = stop.sequence === null ? "" : `,"stop_sequence":${quoteJson(stop.sequence)}`;
    const transfer =
      usage.kvTransferParams === undefined ? "" : `,"kv_transfer_params":${usage.kvTransferParams}`;
    const content = this.#contentText(outcome);
    return (
      `{"id":${quoteJson(identity.id)},"type":"message","role":"assistant","content":[${content}],` +
      `"model":${quoteJson(identity.model)}${reason}${sequence},` +
      `"usage":${messageUsage(this.#choice.tokenCount, usage, settings)}${transfer}}`
    );
  }

  error(error: ApiError): never {
    throw error;
  }

  #contentText(outcome: ToolCallResult): string {
    const { randomId, request } = this.#options;
    const blocks: string[] = [];
    if (outcome.reasoning !== null && outcome.reasoning !== "") {
      const signature = quoteJson(thinkingSignature(randomId));
      blocks.push(`{"type":"thinking","thinking":${quoteJson(outcome.reasoning)},"signature":${signature}}`);
    }
    if (outcome.content !== null && outcome.content !== "") {
      blocks.push(`{"type":"text","text":${quoteJson(outcome.content)}}`);
    }
    const calls = outcome.toolCalls ?? [];
    for (const call of request.parallelToolCalls === false ? calls.slice(0, 1) : calls) {
      const id = quoteJson(call.id ?? `chatcmpl-tool-${randomId()}`);
      const input = writeJson(callInput(call.arguments));
      blocks.push(`{"type":"tool_use","id":${id},"name":${quoteJson(call.name)},"input":${input}}`);
    }
    return blocks.length === 0 ? '{"type":"text","text":""}' : blocks.join(",");
  }
}

/** The arguments of a call as the object they must be. @throws ApiError 400 in the words of Python, as vLLM lets them through */
function callInput(text: string): JsonObject {
  let value;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const before = [...text].slice(0, error.position).join("");
    const line = before.split("\n").length;
    const column = [...before].length - before.lastIndexOf("\n");
    throw badRequestError(`${error.message}: line ${line} column ${column} (char ${error.position})`);
  }
  if (value instanceof Map) return value as JsonObject;
  const found = issue("dict_type", "Input should be a valid dictionary", value).under("input");
  throw badRequestError(validationErrorText("AnthropicContentBlock", found));
}
