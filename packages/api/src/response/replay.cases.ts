import { createChatCollector } from "../chat/chat-collector.ts";
import { createChatStreamWriter } from "../chat/create-chat-writer.ts";
import { createCompletionCollector } from "../completions/completion-collector.ts";
import { createCompletionStreamWriter } from "../completions/completion-stream-writer.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { type ChatRequest, parseChatRequest } from "../request/chat-request.ts";
import { type CompletionRequest, parseCompletionRequest } from "../request/completion-request.ts";
import { createSseParser } from "../sse.ts";
import type {
  ChoiceFinish,
  PositionLogprobs,
  PromptInfo,
  PromptPositionLogprobs,
  ResponseWriter,
} from "../writer.ts";
import type { ResponseOptions } from "./response-options.ts";

const SETTINGS = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};

/** One choice of a recorded chunk or body, in the writers' terms. */
interface RecordedOutput {
  readonly index: number;
  text: string;
  readonly tokenIds: readonly number[] | undefined;
  tokenCount: number;
  positions: readonly (PositionLogprobs | null)[] | undefined;
  /** Text of the first token (completions with logprobs). */
  readonly firstToken: string | undefined;
  /** Prompt ids that came with this choice (completions). */
  readonly promptIds: readonly number[] | undefined;
  readonly finish: ChoiceFinish | undefined;
  /** Running count of completion tokens, where chunks carry usage. */
  readonly runningTokens: number | undefined;
}

/** Renders a recorded answer again from its own texts, tokens and logprobs; returns the recorded and the new text. */
export function replay(row: JsonObject): { readonly recorded: string; readonly rendered: string } {
  const body = row.get("body") as JsonObject;
  const isChat = row.get("path") === "/v1/chat/completions";
  const request = isChat ? parseChatRequest(body) : parseCompletionRequest(body);
  const stream = row.get("stream");
  if (typeof stream !== "string") return replayBody(row.get("answer") as JsonObject, request);
  return { recorded: stream, rendered: replayStream(stream, request) };
}

function replayStream(stream: string, request: ChatRequest | CompletionRequest): string {
  const data: string[] = [];
  createSseParser((message) => data.push(message.data)).push(stream);
  const chunks = data.slice(0, -1).map((text) => parseJson(text) as JsonObject);
  const [first] = chunks as [JsonObject];
  const usage = chunks.at(-1)?.get("usage") as JsonObject | undefined;
  const fingerprint = chunks
    .map((chunk) => chunk.get("system_fingerprint") ?? null)
    .find((value) => value !== null);
  const writer = makeWriter(request, {
    about: first,
    fingerprint: (fingerprint as string | undefined) ?? null,
    stream: true,
  });
  const outputs = chunks.flatMap((chunk) => chunkOutput(chunk));
  const promptTokens = (usage?.get("prompt_tokens") as number | undefined) ?? 0;
  tellPrompts(writer, request, { about: first, outputs, promptTokens });
  adjustCounts(outputs, usage);
  return (
    outputs.map((output) => write(writer, output)).join("") + writer.end({ ...NOTHING_ELSE, promptTokens })
  );
}

const NOTHING_ELSE = { cachedTokens: undefined, kvTransferParams: undefined };

function replayBody(
  answer: JsonObject,
  request: ChatRequest | CompletionRequest,
): { recorded: string; rendered: string } {
  const fingerprint = answer.get("system_fingerprint") as string | null;
  const writer = makeWriter(request, { about: answer, fingerprint, stream: false });
  const usage = answer.get("usage") as JsonObject;
  const outputs = (answer.get("choices") as readonly JsonObject[]).map((choice) =>
    choiceOutput(choice, undefined),
  );
  const promptTokens = usage.get("prompt_tokens") as number;
  tellPrompts(writer, request, { about: answer, outputs, promptTokens });
  adjustCounts(outputs, usage);
  if ("messages" in request && request.echo) stripEcho(request, outputs);
  const params = answer.get("kv_transfer_params") ?? null;
  for (const output of outputs) write(writer, output);
  const kvTransferParams = params === null ? undefined : writeJson(params);
  return {
    recorded: writeJson(answer),
    rendered: writer.end({ promptTokens, cachedTokens: undefined, kvTransferParams }),
  };
}

function makeWriter(
  request: ChatRequest | CompletionRequest,
  from: { readonly about: JsonObject; readonly fingerprint: string | null; readonly stream: boolean },
): ResponseWriter {
  const identity = {
    id: from.about.get("id") as string,
    created: from.about.get("created") as number,
    model: from.about.get("model") as string,
    systemFingerprint: from.fingerprint,
  };
  const rest = { identity, settings: SETTINGS, promptCount: promptTexts(request).length };
  if ("messages" in request) {
    const options: ResponseOptions<ChatRequest> = { request, ...rest };
    return from.stream ? createChatStreamWriter(options) : createChatCollector(options);
  }
  const options: ResponseOptions<CompletionRequest> = { request, ...rest };
  return from.stream ? createCompletionStreamWriter(options) : createCompletionCollector(options);
}

/** One entry a prompt; its text where it was given as text. */
function promptTexts(request: ChatRequest | CompletionRequest): readonly (string | undefined)[] {
  if ("messages" in request || !Array.isArray(request.prompt)) {
    return ["prompt" in request && typeof request.prompt === "string" ? request.prompt : undefined];
  }
  const items = request.prompt as readonly unknown[];
  if (typeof items[0] === "number") return [undefined];
  return items.map((item) => (typeof item === "string" ? item : undefined));
}

function chunkOutput(chunk: JsonObject): readonly RecordedOutput[] {
  const [choice] = chunk.get("choices") as readonly JsonObject[];
  // Role and echo chunks have no token ids: the writer makes them up again.
  return choice === undefined || !choice.has("token_ids")
    ? []
    : [choiceOutput(choice, chunk.get("usage") as JsonObject)];
}

function choiceOutput(choice: JsonObject, usage: JsonObject | undefined): RecordedOutput {
  const content = ((choice.get("delta") ?? choice.get("message")) as JsonObject | undefined)?.get("content");
  const reason = choice.get("finish_reason") as string | null;
  const logprobs = (choice.get("logprobs") ?? null) as JsonObject | null;
  const positions = readPositions(logprobs);
  const tokenIds = (choice.get("token_ids") ?? undefined) as readonly number[] | undefined;
  const stopReason = (choice.get("stop_reason") ?? null) as string | number | null;
  return {
    index: choice.get("index") as number,
    text: (content ?? choice.get("text") ?? "") as string,
    tokenIds,
    tokenCount: tokenIds?.length ?? positions?.length ?? 1,
    positions,
    firstToken: (logprobs?.get("tokens") as readonly string[] | undefined)?.[0],
    promptIds: (choice.get("prompt_token_ids") ?? undefined) as readonly number[] | undefined,
    finish: reason === null ? undefined : { reason, stopReason },
    runningTokens: usage?.get("completion_tokens") as number | undefined,
  };
}

/** Counts of tokens that the recording does not give output by output: all that is left goes to the last. */
function adjustCounts(outputs: readonly RecordedOutput[], usage: JsonObject | undefined): void {
  const running: number[] = [];
  for (const output of outputs) {
    if (output.runningTokens === undefined) continue;
    output.tokenCount = output.runningTokens - (running[output.index] ?? 0);
    running[output.index] = output.runningTokens;
  }
  const last = outputs.at(-1);
  const total = usage?.get("completion_tokens") as number | undefined;
  if (total === undefined || last === undefined || running.length > 0) return;
  last.tokenCount += total - outputs.reduce((sum, output) => sum + output.tokenCount, 0);
}

/** Tells the writer the prompts, and takes what echo added off the outputs. */
function tellPrompts(
  writer: ResponseWriter,
  request: ChatRequest | CompletionRequest,
  from: {
    readonly about: JsonObject;
    readonly outputs: readonly RecordedOutput[];
    readonly promptTokens: number;
  },
): void {
  const sequences = Number(request.n ?? 1);
  promptTexts(request).forEach((text, promptIndex) => {
    const [choice] = (from.about.get("choices") as readonly JsonObject[]).slice(promptIndex * sequences);
    const first = from.outputs.find((output) => Math.floor(output.index / sequences) === promptIndex);
    const logprobs = promptLogprobs(
      (from.about.get("prompt_logprobs") ?? choice?.get("prompt_logprobs") ?? null) as JsonValue,
    );
    const ids = (from.about.get("prompt_token_ids") ?? first?.promptIds ?? undefined) as
      | readonly number[]
      | undefined;
    const shown = text ?? (from.about.get("prompt_text") as string | undefined) ?? first?.text;
    const tokenIds = ids ?? zeros(logprobs?.length ?? from.promptTokens);
    const echoed = "prompt" in request && request.echo === true;
    const echoedPositions = first?.positions?.slice(0, tokenIds.length) as PromptInfo["logprobs"];
    const firstTokenText = echoed ? first?.firstToken : undefined;
    writer.prompt(promptIndex, {
      tokenIds,
      text: shown,
      logprobs: logprobs ?? (echoed ? echoedPositions : undefined),
      ...(firstTokenText === undefined ? {} : { firstTokenText }),
    });
    if (!echoed) return;
    const isStream = from.about.get("object") === "text_completion" && from.about.get("usage") === undefined;
    const affected = from.outputs.filter((output) => Math.floor(output.index / sequences) === promptIndex);
    for (const output of isStream ? affected.filter(({ promptIds }) => promptIds !== undefined) : affected) {
      if (request.returnTokenIds !== true) output.text = output.text.slice((shown ?? "").length);
      if (output.positions === undefined) continue;
      output.positions = output.positions.slice(tokenIds.length);
      output.tokenCount = output.positions.length;
    }
  });
}

function stripEcho(request: ChatRequest, outputs: readonly RecordedOutput[]): void {
  const last = request.messages.at(-1) as JsonObject;
  if (last.get("role") !== "assistant") return;
  for (const output of outputs) output.text = output.text.slice((last.get("content") as string).length);
}

function write(writer: ResponseWriter, output: RecordedOutput): string {
  const { index, text, tokenCount, finish } = output;
  const tokenIds = output.tokenIds ?? zeros(tokenCount);
  const logprobs = output.positions as readonly PositionLogprobs[] | undefined;
  return writer.output(index, { text, tokenIds, tokenCount, logprobs }, finish);
}

const ids = new Map<string, number>();

/** An id for a token's text: recordings name tokens by text only, except as `token_id:N`. */
function idOf(token: string): number {
  const named = /^token_id:(\d+)$/.exec(token);
  if (named !== null) return Number(named[1]);
  const known = ids.get(token) ?? ids.size + 1_000_000;
  ids.set(token, known);
  return known;
}

function readPositions(logprobs: JsonObject | null): readonly (PositionLogprobs | null)[] | undefined {
  if (logprobs === null) return undefined;
  const content = logprobs.get("content") as readonly JsonObject[] | undefined;
  if (content !== undefined) {
    return content.map((entry) => {
      const bytes = new TextDecoder().decode(new Uint8Array(entry.get("bytes") as number[]));
      const top = (entry.get("top_logprobs") as readonly JsonObject[]).map((other) => chatToken(other));
      const token = chatToken(entry);
      return { ...token, token: token.token.startsWith("token_id:") ? bytes : token.token, top };
    });
  }
  const tokens = logprobs.get("tokens") as readonly string[];
  const values = logprobs.get("token_logprobs") as readonly (JsonFloat | null)[];
  const tops = logprobs.get("top_logprobs") as readonly (JsonObject | null)[];
  const positions = tokens.map((token, index): PositionLogprobs | null => {
    const logprob = values[index] ?? null;
    if (logprob === null) return null;
    const top = [...(tops[index] ?? [])].map(([text, value]) => ({
      tokenId: idOf(text),
      token: text,
      logprob: number(value),
    }));
    return { tokenId: idOf(token), token, logprob: logprob.value, top };
  });
  return positions;
}

function chatToken(entry: JsonObject): { tokenId: number; token: string; logprob: number } {
  const token = entry.get("token") as string;
  return { tokenId: idOf(token), token, logprob: number(entry.get("logprob")) };
}

function promptLogprobs(recorded: JsonValue): readonly (PromptPositionLogprobs | null)[] | undefined {
  if (recorded === null) return undefined;
  return (recorded as readonly (JsonObject | null)[]).map((position) => {
    if (position === null) return null;
    const entries = [...position].map(([id, entry]) => ({
      tokenId: Number(id),
      token: (entry as JsonObject).get("decoded_token") as string,
      logprob: number((entry as JsonObject).get("logprob")),
      rank: (entry as JsonObject).get("rank") as number,
    }));
    return { ...(entries[0] as (typeof entries)[number]), top: entries };
  });
}

function number(value: JsonValue | undefined): number {
  return value instanceof JsonFloat ? value.value : (value as number);
}

function zeros(length: number): readonly number[] {
  return Array.from({ length }, () => 0);
}
