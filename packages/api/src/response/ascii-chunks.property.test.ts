import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChatStreamWriter } from "../chat/create-chat-writer.ts";
import { createCompletionStreamWriter } from "../completions/completion-stream-writer.ts";
import { isPlainAscii } from "../json/string-text.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseChatRequest } from "../request/chat-request.ts";
import { parseCompletionRequest } from "../request/completion-request.ts";
import type { ResponseWriter } from "../writer.ts";

const SETTINGS = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};

const KINDS: Readonly<Record<string, (model: string, fields: string) => ResponseWriter>> = {
  chat: (model, fields) =>
    createChatStreamWriter({
      request: parseChatRequest(parseJson(`{"messages":[{"role":"user","content":"x"}]${fields}}`)),
      identity: { id: "x-1", created: 5, model, systemFingerprint: "fp" },
      settings: SETTINGS,
      promptCount: 1,
    }),
  completion: (model, fields) =>
    createCompletionStreamWriter({
      request: parseCompletionRequest(parseJson(`{"prompt":"x"${fields}}`)),
      identity: { id: "x-1", created: 5, model, systemFingerprint: "fp" },
      settings: SETTINGS,
      promptCount: 1,
    }),
};

const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.constantFrom("\ud83d", "\u007f", '"', "\\", "\n", "\u0080", `${" ".repeat(40)}\u00e9`),
);

/** Text of the only choice in a chunk that brought one. */
function textOf(chunk: string): unknown {
  const [choice] = (
    JSON.parse(chunk.slice("data: ".length)) as {
      readonly choices: readonly { readonly text?: string; readonly delta?: { readonly content?: string } }[];
    }
  ).choices;
  return choice?.text ?? choice?.delta?.content;
}

describe.each(Object.entries(KINDS))("the writer of a %s stream", (_, writerOf) => {
  it.each(["", ',"return_token_ids":true', ',"stream_options":{"include_usage":true},"stream":true'])(
    "calls ASCII what is ASCII, and changes no text%s",
    (fields) => {
      fc.assert(
        fc.property(fc.constantFrom("m", "\u6f22"), fc.array(text, { maxLength: 8 }), (model, texts) => {
          const writer = writerOf(model, fields);
          writer.prompt(0, { tokenIds: [1], text: undefined, logprobs: undefined });
          const output = (said: string): string =>
            writer.output(0, { text: said, tokenIds: [7], tokenCount: 1, logprobs: undefined }, undefined);
          output("first");
          for (const said of texts) {
            const chunk = output(said);
            expect(textOf(chunk)).toBe(said);
            const isAscii = new TextEncoder().encode(chunk).length === chunk.length;
            const isKnown = fields === "" && model === "m" && isPlainAscii(said);
            expect([isAscii, false]).toContain(writer.isAscii);
            expect([true, isKnown]).toContain(writer.isAscii);
          }
        }),
      );
    },
  );
});
