import type { ApiError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { chatLogprobEntries, type ChatLogprobStyle, promptLogprobsText } from "../response/logprob-text.ts";
import { JSON_CONTENT_TYPE, type ResponseOptions } from "../response/response-options.ts";
import { wholeUsage } from "../response/usage-text.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import { chatLogprobStyle } from "./chat-logprob-style.ts";
import { answerRole, echoedText } from "./chat-message-text.ts";

interface Choice {
  text: string;
  tokenIds: string;
  tokenCount: number;
  logprobs: string;
  finish: ChoiceFinish | undefined;
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
      this.choices.push({ text: "", tokenIds: "", tokenCount: 0, logprobs: "", finish: undefined });
    }
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.promptInfo = prompt;
  }

  output(index: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const choice = this.choices[index] as Choice;
    choice.text += output.text;
    choice.tokenCount += output.tokenCount;
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
    const completionTokens = this.choices.reduce((sum, choice) => sum + choice.tokenCount, 0);
    const fingerprint = identity.systemFingerprint === null ? "null" : quoteJson(identity.systemFingerprint);
    const promptIds =
      request.returnTokenIds === true && prompt !== undefined ? idList(prompt.tokenIds) : "null";
    const promptText =
      request.returnPromptText === true && prompt?.text !== undefined ? quoteJson(prompt.text) : "null";
    return (
      `{"id":${quoteJson(identity.id)},"object":"chat.completion","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"choices":[${this.choicesText()}],"service_tier":null,` +
      `"system_fingerprint":${fingerprint},"usage":${wholeUsage(completionTokens, usage, settings)},` +
      `"prompt_logprobs":${promptLogprobsText(prompt?.logprobs, pythonFloat)},"prompt_token_ids":${promptIds},` +
      `"prompt_text":${promptText},"kv_transfer_params":${usage.kvTransferParams ?? "null"},` +
      `"ec_transfer_params":null,"metrics":null}`
    );
  }

  error(error: ApiError): never {
    throw error;
  }

  private choicesText(): string {
    const { request, settings } = this.options;
    const shared = this.conversations.map((conversation) => {
      const role = answerRole(conversation, settings);
      return { role, echo: echoedText(conversation, role) };
    });
    const own = (index: number): { role: string; echo: string } =>
      shared[Math.floor(index / this.sequences)] ?? { role: answerRole(request, settings), echo: "" };
    return this.choices.map((choice, index) => this.choiceText(choice, { index, ...own(index) })).join(",");
  }

  private choiceText(choice: Choice, shared: { index: number; role: string; echo: string }): string {
    const { finish } = choice;
    const logprobs = this.logprobs === undefined ? "null" : `{"content":[${choice.logprobs}]}`;
    const ids = this.options.request.returnTokenIds === true ? `[${choice.tokenIds}]` : "null";
    return (
      `{"index":${shared.index},"message":{"role":${quoteJson(shared.role)},` +
      `"content":${quoteJson(shared.echo + choice.text)},"refusal":null,"annotations":null,"audio":null,` +
      `"function_call":null,"reasoning":null},"logprobs":${logprobs},` +
      `"finish_reason":${quoteJson(finish?.reason ?? "stop")},"stop_reason":${stopReasonText(finish?.stopReason ?? null)},` +
      `"token_ids":${ids},"routed_experts":null}`
    );
  }
}
