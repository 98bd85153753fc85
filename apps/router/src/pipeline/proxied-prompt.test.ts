import { isJsonObject, parseJson } from "@vllm-router/api";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime, envelopeOf } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { readProxiedBody } from "../server/proxied-body.ts";
import { proxiedMaxTokens, proxiedPrompt } from "./proxied-prompt.ts";

const CHAT = "/v1/chat/completions";
let model: ModelRuntime;
beforeAll(async () => {
  model = await builtinRuntime();
});

function read(path: string, json: string, runtime?: ModelRuntime): { tokenIds?: Int32Array; text?: string } {
  const { settings } = envelopeOf(model);
  const body = readProxiedBody(new TextEncoder().encode(json));
  const { tokenIds, text } = proxiedPrompt(path, body, { model: runtime, settings });
  return tokenIds === undefined ? { text: new TextDecoder().decode(text?.()) } : { tokenIds };
}

describe("proxiedPrompt()", () => {
  const chat = JSON.stringify({
    temperature: 1,
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: "Hello" },
    ],
  });

  it("is the tokens that the worker will see, where its tokenizer is known", () => {
    const { tokenIds } = read(CHAT, chat, model);
    expect(model.tokenizer.decode(tokenIds!, { skipSpecialTokens: false })).toContain("Be short.");
    expect(read("/prefix/v1/completions", '{"prompt": "Hello"}', model).tokenIds).toEqual(
      model.tokenizer.encode("Hello", true),
    );
    expect(read("/v1/completions", '{"prompt": [[5, 6], [7]]}', model).tokenIds).toEqual(Int32Array.of(5, 6));
  });

  it("is a text that begins as the conversation does, where it is not", () => {
    const first = read(CHAT, chat).text!;
    const longer = JSON.parse(chat) as { messages: unknown[] };
    longer.messages.push({ role: "assistant", content: [{ type: "text", text: "Hi" }], tool_calls: null });
    const second = read(CHAT, JSON.stringify({ seed: 4, ...longer, n: 2 })).text!;
    expect(second.startsWith(first)).toBe(true);
    expect(second).toContain("Hi");
    const prompt = (value: unknown): string =>
      read("/v1/completions", JSON.stringify({ n: 1, prompt: value })).text!;
    expect(prompt("Once upon").startsWith(prompt("Once"))).toBe(true);
    expect(prompt(["Once", "Twice"])).toBe('["Once","Twice"');
  });

  it("is the same however the client writes the space between", () => {
    const spaced = JSON.stringify(JSON.parse(chat), undefined, 4);
    expect(read(CHAT, spaced).text).toBe(read(CHAT, chat).text);
  });

  it("begins with what all conversations share, in the other APIs too", () => {
    const messages = [{ role: "user", content: "Hello" }];
    const anthropic = (rest: unknown): string =>
      read("/v1/messages", JSON.stringify({ max_tokens: 4, messages, ...(rest as object) })).text!;
    expect(anthropic({ system: "Be kind." })).toBe('"Be kind.[{"role":"user","content":"Hello"}');
    const longer = anthropic({
      system: "Be kind.",
      messages: [...messages, { role: "assistant", content: "Hi" }],
    });
    expect(longer.startsWith(anthropic({ system: "Be kind." }))).toBe(true);
    const responses = (input: unknown): string =>
      read("/v1/responses", JSON.stringify({ input, instructions: "Be brief." })).text!;
    expect(responses("Hello")).toBe('"Be brief."Hello');
    expect(responses([{ role: "user", content: "Hello" }])).toBe(
      '"Be brief.[{"role":"user","content":"Hello"}',
    );
  });

  it("is the ids that the body itself gives", () => {
    expect(read("/v1/completions", '{"prompt": [1, 2]}').tokenIds).toEqual(Int32Array.of(1, 2));
    expect(read("/v1/completions", '{"prompt": [[1, 2], [3]]}').tokenIds).toEqual(Int32Array.of(1, 2));
    expect(read("/v1/completions", '{"prompt": [1, 2.5]}').text).toBe("[1,2.5");
    expect(read("/v1/completions", '{"prompt": []}').text).toBe("[");
  });

  it("is the text of a body that it cannot read as the worker does", () => {
    expect(read(CHAT, '{"messages": [{"role": "user", "content": 7}]}', model).text).toBe(
      '[{"role":"user","content":7}',
    );
    expect(read(CHAT, '{"messages": 3}', model).text).toBe("3");
    expect(read("/v1/rerank", '{"query": "q"}', model).text).toBe('{"query": "q"}');
    expect(read(CHAT, "[1]", model).text).toBe("[1]");
  });
});

describe("proxiedMaxTokens()", () => {
  it("is what the body says, and 0 where it says nothing sensible", () => {
    const of = (json: string): number => {
      const value = parseJson(json);
      return proxiedMaxTokens(isJsonObject(value) ? value : undefined);
    };
    expect(of('{"max_tokens": 7}')).toBe(7);
    expect(of('{"max_tokens": 7, "max_completion_tokens": 9}')).toBe(9);
    for (const json of ["{}", "[]", '{"max_tokens": -1}', '{"max_tokens": "7"}', '{"max_tokens": 1.5}']) {
      expect(of(json)).toBe(0);
    }
  });
});
