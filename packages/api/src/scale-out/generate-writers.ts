import { type ApiError, streamErrorBody } from "../api-error.ts";
import { pydanticFloat, pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { idList, stopReasonText } from "../response/id-list.ts";
import { chatLogprobEntries, entriesOf, promptLogprobsText } from "../response/logprob-text.ts";
import {
  JSON_CONTENT_TYPE,
  type ResponseOptions,
  STREAM_CONTENT_TYPE,
} from "../response/response-options.ts";
import { usageCounts } from "../response/usage-text.ts";
import { SSE_DONE, sseEvent } from "../sse.ts";
import type {
  ChoiceFinish,
  ChoiceOutput,
  PositionLogprobs,
  PromptInfo,
  ResponseUsage,
  ResponseWriter,
} from "../writer.ts";

/** What the writers of `/inference/v1/generate` need. */
export interface GenerateOptions extends ResponseOptions<ChatRequest> {
  /** `output_mode`: token ids alone, or their text too. */
  readonly mode: "tokens" | "text";
}

/** Renders the answer of `/inference/v1/generate`, as one body or as a stream, as vLLM 0.32 does. */
export function createGenerateWriter(options: GenerateOptions): ResponseWriter {
  return options.request.stream === true ? new GenerateStreamWriter(options) : new GenerateCollector(options);
}

interface Choice {
  text: string;
  readonly tokenIds: number[];
  logprobs: string;
  finish: ChoiceFinish | undefined;
}

class GenerateCollector implements ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly #options: GenerateOptions;
  readonly #choices: readonly Choice[];
  #prompt: PromptInfo | undefined;

  constructor(options: GenerateOptions) {
    this.#options = options;
    this.#choices = Array.from({ length: Number(options.request.n ?? 1) }, () => ({
      text: "",
      tokenIds: [],
      logprobs: "",
      finish: undefined,
    }));
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.#prompt = prompt;
  }

  output(index: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const choice = this.#choices[index] as Choice;
    choice.text += output.text;
    for (let at = 0; at < output.tokenCount; at++) choice.tokenIds.push(output.tokenIds[at] as number);
    const logprobs = logprobEntries(output, this.#options, pythonFloat);
    if (logprobs !== "") choice.logprobs += `${choice.logprobs === "" ? "" : ","}${logprobs}`;
    if (finish !== undefined) choice.finish = { ...finish };
    return "";
  }

  end(usage: ResponseUsage): string {
    const { identity, request, settings, mode } = this.#options;
    const completionTokens = this.#choices.reduce((sum, choice) => sum + choice.tokenIds.length, 0);
    const cached = settings.promptTokensDetails ? usage.cachedTokens : undefined;
    const details =
      cached === undefined
        ? "null"
        : `{"cached_tokens":${cached},"created_cache_tokens":null,"multimodal_tokens":null}`;
    const promptIds = request.returnTokenIds === true ? idList(this.#prompt?.tokenIds ?? []) : "null";
    const choices = this.#choices.map((choice, index) =>
      choiceText({ ...choice, index, mode, reason: choice.finish?.reason ?? "stop" }, this.#options),
    );
    return (
      `{"request_id":${quoteJson(identity.id)},"model":${quoteJson(identity.model)},"created":${identity.created},` +
      `"usage":{${usageCounts(usage.promptTokens, completionTokens)},"prompt_tokens_details":${details},` +
      `"completion_tokens_details":null},"prompt_logprobs":${promptLogprobsText(this.#prompt?.logprobs, pythonFloat)},` +
      `"prompt_token_id_logprobs":null,"prompt_token_ids":${promptIds},"mm_placeholders":null,"metrics":null,` +
      `"kv_transfer_params":${usage.kvTransferParams ?? "null"},"ec_transfer_params":null,` +
      `"output_mode":"${mode}","choices":[${choices.join(",")}]}`
    );
  }

  error(error: ApiError): never {
    throw error;
  }
}

class GenerateStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  readonly #options: GenerateOptions;
  readonly #counts: number[];
  readonly #showsUsage: boolean;
  readonly #showsRunningUsage: boolean;
  #prompt: PromptInfo | undefined;
  #hasShownPrompt: boolean;

  constructor(options: GenerateOptions) {
    const { streamOptions, n, returnTokenIds } = options.request;
    this.#options = options;
    this.#counts = Array.from({ length: Number(n ?? 1) }, () => 0);
    this.#showsUsage = streamOptions?.get("include_usage") === true;
    this.#showsRunningUsage = this.#showsUsage && streamOptions?.get("continuous_usage_stats") === true;
    this.#hasShownPrompt = returnTokenIds !== true;
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.#prompt = prompt;
  }

  output(index: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const { mode } = this.#options;
    const count = (this.#counts[index] ?? 0) + output.tokenCount;
    this.#counts[index] = count;
    if (output.tokenCount === 0 && finish === undefined && (mode === "tokens" || output.text === ""))
      return "";
    const tokenIds = Array.from({ length: output.tokenCount }, (_, at) => output.tokenIds[at] as number);
    const logprobs = logprobEntries(output, this.#options, pydanticFloat);
    const choice = choiceText(
      { index, mode, text: output.text, tokenIds, logprobs, finish, reason: finish?.reason, counted: count },
      this.#options,
    );
    const usage = this.#showsRunningUsage ? this.#usage(count) : "null";
    return sseEvent(
      `${this.#head(usage)}${this.#promptIds()},"output_mode":"${mode}","choices":[${choice}]}`,
    );
  }

  end(): string {
    if (!this.#showsUsage) return SSE_DONE;
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const usage = `{${usageCounts(this.#prompt?.tokenIds.length ?? 0, total)}}`;
    return sseEvent(`${this.#head(usage)},"output_mode":"${this.#options.mode}","choices":[]}`) + SSE_DONE;
  }

  error(error: ApiError): string {
    return sseEvent(streamErrorBody(error)) + SSE_DONE;
  }

  #head(usage: string): string {
    return `{"request_id":${quoteJson(this.#options.identity.id)},"usage":${usage}`;
  }

  #usage(count: number): string {
    const counts = usageCounts(this.#prompt?.tokenIds.length ?? 0, count);
    return `{${counts},"prompt_tokens_details":null,"completion_tokens_details":null}`;
  }

  #promptIds(): string {
    if (this.#hasShownPrompt) return "";
    this.#hasShownPrompt = true;
    return `,"prompt_token_ids":${idList(this.#prompt?.tokenIds ?? [])}`;
  }
}

interface ShownChoice {
  readonly index: number;
  readonly mode: "tokens" | "text";
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs: string;
  readonly finish: ChoiceFinish | undefined;
  readonly reason: string | undefined;
  /** Output tokens so far, where it is not those shown. */
  readonly counted?: number;
}

function choiceText(choice: ShownChoice, { request }: GenerateOptions): string {
  const { finish, reason } = choice;
  const end = choice.counted ?? choice.tokenIds.length;
  const versions = finish === undefined ? "null" : `[{"version":"default","start":0,"end":${end}}]`;
  const text = choice.mode === "text" ? `"text":${quoteJson(choice.text)},` : "";
  const logprobs = request.logprobs === true ? `{"content":[${choice.logprobs}]}` : "null";
  return (
    `{"index":${choice.index},"finish_reason":${reason === undefined ? "null" : quoteJson(reason)},` +
    `"stop_reason":${stopReasonText(finish?.stopReason ?? null)},"token_ids":${idList(choice.tokenIds)},` +
    `"routed_experts":null,"sampling_mask":null,"weight_versions":${versions},${text}"logprobs":${logprobs}}`
  );
}

const LOWEST = -9999;

/** Logprobs of an output in the shape of its mode; empty where none are shown. */
function logprobEntries(
  output: ChoiceOutput,
  { request, settings, mode }: GenerateOptions,
  float: (value: number) => string,
): string {
  if (request.logprobs !== true || output.logprobs === undefined) return "";
  const top = Number(request.topLogprobs);
  if (mode === "text") {
    return chatLogprobEntries(output.logprobs, {
      float,
      tokensAsIds: settings.returnTokensAsTokenIds,
      topLogprobs: top === -1 ? -1 : Math.max(top, 1),
    });
  }
  const entry = (tokenId: number, logprob: number, rank: number | null): string =>
    `"token_id":${tokenId},"logprob":${float(Math.max(logprob, LOWEST))},"rank":${rank}`;
  return output.logprobs
    .map((position) => {
      const entries = entriesOf(position);
      const ranks = ranksOf(position, top);
      const shown = top === -1 ? entries : entries.slice(0, Math.max(top, 1));
      const list = shown.map(
        ({ tokenId, logprob }) => `{${entry(tokenId, logprob, ranks.get(tokenId) ?? null)}}`,
      );
      const own = entry(position.tokenId, position.logprob, ranks.get(position.tokenId) ?? null);
      return `{${own},"top_logprobs":[${list.join(",")}]}`;
    })
    .join(",");
}

/**
 * Ranks by the alternatives: the engine gives the best `asked` ones in their order, behind the sampled token and without
 * it.
 */
function ranksOf(position: PositionLogprobs, asked: number): ReadonlyMap<number, number> {
  const [sampled, ...others] = entriesOf(position);
  const better = others.filter((entry) => entry.logprob > position.logprob).length;
  const ranks = new Map<number, number>();
  // One fewer than were asked for: the sampled token is among the best. One that all of them beat may be anywhere behind them.
  const isPlaced = better < others.length || others.length < asked;
  if (sampled !== undefined && isPlaced) ranks.set(sampled.tokenId, better + 1);
  others.forEach((entry, index) =>
    ranks.set(entry.tokenId, isPlaced && index >= better ? index + 2 : index + 1),
  );
  return ranks;
}
