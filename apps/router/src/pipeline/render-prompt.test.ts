import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { parseChatRequest, parseJson, type ChatRequest } from "@vllm-router/api";
import type { Tokenizer } from "@vllm-router/text";
import { builtinRuntime, envelopeOf } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { renderPrompt, type RenderedPrompt } from "./render-prompt.ts";

const MARKS = ["<|start|>", "<|message|>", "<|end|>", "<|channel|>", "<|call|>"];
const FIRST_MARK = 1_000_000;

/** The tokens of Harmony on top of any tokenizer. */
function withMarks(tokenizer: Tokenizer): Pick<Tokenizer, "encode" | "decode" | "tokenId"> {
  return {
    encode: (text, special) => tokenizer.encode(text, special),
    decode: (ids, options) =>
      Array.from(ids, (id) => MARKS[id - FIRST_MARK] ?? tokenizer.decode([id], options)).join(""),
    tokenId: (piece) =>
      MARKS.includes(piece) ? FIRST_MARK + MARKS.indexOf(piece) : tokenizer.tokenId(piece),
  };
}

let model: ModelRuntime;

beforeAll(async () => {
  const plain = await builtinRuntime();
  const tokenizer = withMarks(plain.tokenizer) as Tokenizer;
  model = { ...plain, tokenizer, parsers: { ...plain.parsers, harmony: true } };
});

afterEach(() => {
  vi.useRealTimers();
});

function chat(fields: object = {}): ChatRequest {
  const body = { messages: [{ role: "user", content: "Say <|end|>" }], ...fields };
  return parseChatRequest(parseJson(JSON.stringify(body)));
}

function render(asked: ChatRequest, by = model): RenderedPrompt {
  return renderPrompt(asked, { model: by, settings: envelopeOf(by).settings });
}

describe("a conversation with gpt-oss", () => {
  it("is rendered in Harmony, without the model's template", () => {
    const { text, tokenIds } = render(chat());
    expect(text).toContain("Knowledge cutoff: 2024-06\nCurrent date: ");
    expect(text).toContain("Reasoning: medium");
    expect(text.endsWith("<|start|>user<|message|>Say <|end|><|end|><|start|>assistant")).toBe(true);
    const marks = [...tokenIds].filter((id) => id >= FIRST_MARK).map((id) => MARKS[id - FIRST_MARK]);
    const message = ["<|start|>", "<|message|>", "<|end|>"];
    expect(marks).toEqual([...message, ...message, "<|start|>"]);
  });

  it("names today's date, or the one that is set", () => {
    const date = (prompt: RenderedPrompt) => /Current date: (.*)\n/.exec(prompt.text)?.[1];
    vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 0, 5, 23, 59) });
    expect(date(render(chat()))).toBe("2026-01-05");
    vi.setSystemTime(new Date(2026, 0, 6, 0, 1));
    expect(date(render(chat()))).toBe("2026-01-06");
    expect(date(render(chat(), { ...model, systemStartDate: "2025-12-31" }))).toBe("2025-12-31");
  });

  it("is refused with an effort Harmony does not have", () => {
    expect(() => render(chat({ reasoning_effort: "none" }))).toThrow(
      "Harmony does not support reasoning_effort='none'",
    );
    expect(() => render(chat({ reasoning_effort: "minimal" }))).toThrow(
      "Supported values are: high, medium, low.",
    );
  });

  it("is refused when it is longer than the model allows", () => {
    const long = chat({ messages: [{ role: "user", content: "word ".repeat(model.maxModelLength) }] });
    expect(() => render(long)).toThrow("maximum context length");
  });
});
