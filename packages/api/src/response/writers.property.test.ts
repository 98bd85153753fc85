import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChatCollector } from "../chat/chat-collector.ts";
import { createChatStreamWriter } from "../chat/create-chat-writer.ts";
import { createCompletionCollector } from "../completions/completion-collector.ts";
import { createCompletionStreamWriter } from "../completions/completion-stream-writer.ts";
import { type JsonObject, type JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { parseChatRequest } from "../request/chat-request.ts";
import { parseCompletionRequest } from "../request/completion-request.ts";
import { createSseParser } from "../sse.ts";
import type { ChoiceOutput, PositionLogprobs, ResponseWriter } from "../writer.ts";

const SETTINGS = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};
const IDENTITY = { id: "x-1", created: 5, model: "m", systemFingerprint: "fp" };
const USAGE = { promptTokens: 3, cachedTokens: undefined, kvTransferParams: undefined };
const CHOICES = 4;

interface Token {
  readonly choice: number;
  readonly text: string;
  readonly logprob: number;
  /** True when the token travels with the next one of its choice. */
  readonly merged: boolean;
}

const tokens = fc.array(
  fc.record({
    choice: fc.nat({ max: CHOICES - 1 }),
    text: fc.string({ unit: "binary", maxLength: 5 }),
    logprob: fc.constantFrom(-0.5, -1e-7, 0, -Infinity, -12.345),
    merged: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** Groups the tokens of each choice into outputs, keeping the order in which the outputs are ready. */
function outputsOf(
  list: readonly Token[],
  isMerging: boolean,
): readonly { choice: number; output: ChoiceOutput }[] {
  const waiting: Token[][] = Array.from({ length: CHOICES }, () => []);
  const outputs: { choice: number; output: ChoiceOutput }[] = [];
  const release = (choice: number): void => {
    const group = waiting[choice] as Token[];
    if (group.length > 0) outputs.push({ choice, output: outputOf(group) });
    waiting[choice] = [];
  };
  for (const token of list) {
    (waiting[token.choice] as Token[]).push(token);
    if (!isMerging || !token.merged) release(token.choice);
  }
  for (let choice = 0; choice < CHOICES; choice++) release(choice);
  return outputs;
}

function outputOf(group: readonly Token[]): ChoiceOutput {
  const logprobs = group.map(({ text, logprob }): PositionLogprobs => {
    const token = { tokenId: text.length, token: text, logprob };
    return { ...token, top: [token] };
  });
  return {
    text: group.map(({ text }) => text).join(""),
    tokenIds: group.map(({ text }) => text.length),
    tokenCount: group.length,
    logprobs,
  };
}

function run(writer: ResponseWriter, list: readonly Token[], isMerging: boolean): string {
  for (let index = 0; index < 2; index++)
    writer.prompt(index, { tokenIds: [1, 2, 3], text: "p", logprobs: undefined });
  let text = "";
  for (const { choice, output } of outputsOf(list, isMerging))
    text += writer.output(choice, output, undefined);
  const nothing: ChoiceOutput = { text: "", tokenIds: [], tokenCount: 0, logprobs: [] };
  const last: ChoiceOutput = {
    text: "!",
    tokenIds: [9],
    tokenCount: 1,
    logprobs: [{ tokenId: 9, token: "!", logprob: -1, top: [] }],
  };
  for (let choice = 0; choice < CHOICES; choice++) {
    text += writer.output(choice, last, { reason: "stop", stopReason: "!" });
    text += writer.output(choice, nothing, undefined).slice(0, 0);
  }
  return text + writer.end(USAGE);
}

/** What a client puts together from a stream: text, ids, logprobs and finish of each choice, and the usage. */
function assemble(stream: string): JsonValue {
  const choices = Array.from({ length: CHOICES }, () => ({
    text: "",
    ids: [] as JsonValue[],
    logprobs: "",
    finish: "",
  }));
  let usage: JsonValue = null;
  let ended = 0;
  createSseParser(({ data }) => {
    if (data === "[DONE]") {
      ended++;
      return;
    }
    const chunk = parseJson(data) as JsonObject;
    usage = chunk.get("usage") ?? usage;
    for (const choice of chunk.get("choices") as readonly JsonObject[]) {
      const held = choices[choice.get("index") as number];
      if (held === undefined) throw new Error("Unknown choice");
      held.text += ((choice.get("delta") as JsonObject | undefined)?.get("content") ??
        choice.get("text") ??
        "") as string;
      held.ids.push(...((choice.get("token_ids") ?? []) as readonly JsonValue[]));
      held.logprobs += tokensOf((choice.get("logprobs") ?? null) as JsonObject | null);
      held.finish += (choice.get("finish_reason") ?? "") as string;
    }
  }).push(stream);
  expect(ended).toBe(1);
  return [
    ...choices.map(({ text, ids, logprobs, finish }): JsonValue => [text, ids, logprobs, finish]),
    counts(usage as JsonObject | null),
  ];
}

function tokensOf(logprobs: JsonObject | null): string {
  if (logprobs === null) return "";
  const content = logprobs.get("content") as readonly JsonValue[] | undefined;
  if (content !== undefined) return content.map((entry) => `${writeJson(entry)};`).join("");
  const lists = ["text_offset", "token_logprobs", "tokens", "top_logprobs"].map(
    (name) => logprobs.get(name) as readonly JsonValue[],
  );
  return (lists[0] ?? [])
    .map((_, index) => `${writeJson(lists.map((list) => list[index] ?? null))};`)
    .join("");
}

function bodyParts(body: string): JsonValue {
  const object = parseJson(body) as JsonObject;
  const choices = (object.get("choices") as readonly JsonObject[]).map((choice): JsonValue => {
    const text =
      (choice.get("message") as JsonObject | undefined)?.get("content") ?? choice.get("text") ?? null;
    const logprobs = tokensOf((choice.get("logprobs") ?? null) as JsonObject | null);
    return [text, choice.get("token_ids") ?? null, logprobs, choice.get("finish_reason") ?? ""];
  });
  return [...choices, counts(object.get("usage") as JsonObject)];
}

function counts(usage: JsonObject | null): JsonValue {
  return ["prompt_tokens", "total_tokens", "completion_tokens"].map((name) => usage?.get(name) ?? null);
}

const chat = parseChatRequest(
  parseJson(
    `{"messages":[],"n":${CHOICES},"logprobs":true,"top_logprobs":1,"return_token_ids":true,"stream":true,"stream_options":{"include_usage":true}}`,
  ),
);
const completion = parseCompletionRequest(
  parseJson(
    `{"prompt":["a","b"],"n":${CHOICES / 2},"logprobs":1,"return_token_ids":true,"stream":true,"stream_options":{"include_usage":true}}`,
  ),
);
const runs = { seed: 7, numRuns: 150 };

describe("streamed and collected answers", () => {
  const pairs = {
    chat: () => {
      const options = { request: chat, identity: IDENTITY, settings: SETTINGS, promptCount: 1 };
      return { stream: createChatStreamWriter(options), collector: createChatCollector(options) };
    },
    completions: () => {
      const options = { request: completion, identity: IDENTITY, settings: SETTINGS, promptCount: 2 };
      return { stream: createCompletionStreamWriter(options), collector: createCompletionCollector(options) };
    },
  };
  for (const [name, make] of Object.entries(pairs)) {
    it(`say the same, however outputs are cut (${name})`, () => {
      fc.assert(
        fc.property(tokens, fc.boolean(), (list, isMerging) => {
          const { stream, collector } = make();
          const streamed = writeJson(assemble(run(stream, list, isMerging)));
          const collected = writeJson(bodyParts(run(collector, list, !isMerging)));
          expect(streamed).toBe(collected);
        }),
        runs,
      );
    });
  }
});
