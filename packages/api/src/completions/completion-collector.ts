import type { ApiError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import type { CompletionRequest } from "../request/completion-request.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { metricsText } from "../response/request-metrics.ts";
import { CompletionLogprobLists, promptLogprobsText } from "../response/logprob-text.ts";
import { JSON_CONTENT_TYPE, type ResponseOptions } from "../response/response-options.ts";
import { wholeUsage } from "../response/usage-text.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import {
  addOutput,
  addPrompt,
  type CompletionLogprobStyle,
  completionLogprobStyle,
  echoedPrompt,
  isPromptOnly,
} from "./completion-logprob-style.ts";

interface Choice {
  text: string;
  tokenIds: string;
  tokenCount: number;
  lists: CompletionLogprobLists | undefined;
  textOffset: number;
  finish: ChoiceFinish | undefined;
}

/** Renders a completion as one body with every key vLLM 0.32 has, nulls included. */
export function createCompletionCollector(options: ResponseOptions<CompletionRequest>): ResponseWriter {
  return new CompletionCollector(options);
}

class CompletionCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  private readonly options: ResponseOptions<CompletionRequest>;
  private readonly logprobs: CompletionLogprobStyle | undefined;
  private readonly sequences: number;
  private readonly promptOnly: boolean;
  private readonly choices: Choice[] = [];
  private readonly prompts: PromptInfo[] = [];

  constructor(options: ResponseOptions<CompletionRequest>) {
    this.options = options;
    this.logprobs = completionLogprobStyle(options.request, options.settings, pythonFloat);
    this.sequences = Number(options.request.n);
    this.promptOnly = isPromptOnly(options.request);
    for (let index = 0; index < this.sequences * options.promptCount; index++) {
      const lists =
        this.logprobs === undefined
          ? undefined
          : new CompletionLogprobLists(this.logprobs, this.logprobs.alternatives);
      this.choices.push({ text: "", tokenIds: "", tokenCount: 0, lists, textOffset: 0, finish: undefined });
    }
  }

  prompt(promptIndex: number, prompt: PromptInfo): void {
    this.prompts[promptIndex] = prompt;
    if (this.options.request.echo !== true) return;
    for (let index = promptIndex * this.sequences; index < (promptIndex + 1) * this.sequences; index++) {
      const choice = this.choices[index] as Choice;
      choice.text = echoedPrompt(this.options.request, prompt);
      if (choice.lists !== undefined) choice.textOffset = addPrompt(choice.lists, prompt, 0);
    }
  }

  output(index: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const choice = this.choices[index] as Choice;
    choice.tokenCount += output.tokenCount;
    if (!this.promptOnly) {
      choice.text += output.text;
      if (choice.lists !== undefined) choice.textOffset = addOutput(choice.lists, output, choice.textOffset);
    }
    if (this.options.request.returnTokenIds === true && output.tokenCount > 0) {
      choice.tokenIds += `${choice.tokenIds === "" ? "" : ","}${idList(output.tokenIds, output.tokenCount).slice(1, -1)}`;
    }
    if (finish !== undefined) choice.finish = { ...finish };
    return "";
  }

  end(usage: ResponseUsage): string {
    const { identity, settings } = this.options;
    const completionTokens = this.choices.reduce((sum, choice) => sum + choice.tokenCount, 0);
    const fingerprint = identity.systemFingerprint === null ? "null" : quoteJson(identity.systemFingerprint);
    const choices = this.choices.map((choice, index) => this.choiceText(choice, index)).join(",");
    return (
      `{"id":${quoteJson(identity.id)},"object":"text_completion","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"choices":[${choices}],"service_tier":null,` +
      `"system_fingerprint":${fingerprint},"usage":${wholeUsage({ tokens: completionTokens }, usage, settings)},` +
      `"kv_transfer_params":${usage.kvTransferParams ?? "null"},"ec_transfer_params":null,` +
      `"metrics":${metricsText(usage.metrics, pythonFloat)}}`
    );
  }

  error(error: ApiError): never {
    throw error;
  }

  private choiceText(choice: Choice, index: number): string {
    const { finish } = choice;
    const prompt = this.prompts[Math.floor(index / this.sequences)];
    const returnIds = this.options.request.returnTokenIds === true;
    return (
      `{"index":${index},"text":${quoteJson(choice.text)},"logprobs":${choice.lists?.text() ?? "null"},` +
      `"finish_reason":${finish === undefined ? "null" : quoteJson(finish.reason)},` +
      `"stop_reason":${stopReasonText(finish?.stopReason ?? null)},` +
      `"token_ids":${returnIds ? `[${choice.tokenIds}]` : "null"},` +
      `"prompt_logprobs":${promptLogprobsText(prompt?.logprobs, pythonFloat)},` +
      `"prompt_token_ids":${returnIds && prompt !== undefined ? idList(prompt.tokenIds) : "null"},"routed_experts":null}`
    );
  }
}
