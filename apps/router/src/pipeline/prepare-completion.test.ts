import { parseCompletionRequest, parseJson } from "@vllm-router/api";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime, envelopeOf } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RequestPlan } from "./plan.ts";
import { prepareCompletion } from "./prepare-completion.ts";

let model: ModelRuntime;

beforeAll(async () => {
  model = await builtinRuntime();
});

function prepare(body: Readonly<Record<string, unknown>>, on: ModelRuntime = model): RequestPlan {
  return prepareCompletion(parseCompletionRequest(parseJson(JSON.stringify(body))), envelopeOf(on));
}

function ids(text: string): number[] {
  return [...model.tokenizer.encode(text, true)];
}

function prompts(plan: RequestPlan): number[][] {
  return plan.prompts.map(({ tokenIds }) => [...tokenIds]);
}

describe("prepareCompletion()", () => {
  it("takes every form of prompt", () => {
    expect(prompts(prepare({ prompt: "one two" }))).toEqual([ids("one two")]);
    expect(prompts(prepare({ prompt: ["one", "two"] }))).toEqual([ids("one"), ids("two")]);
    expect(prompts(prepare({ prompt: [5, 6, 7] }))).toEqual([[5, 6, 7]]);
    expect(prompts(prepare({ prompt: [[5], [6, 7]] }))).toEqual([[5], [6, 7]]);
  });

  it("refuses an empty list, and none", () => {
    expect(() => prepare({ prompt: [] })).toThrow("prompt");
    expect(() => prepare({})).toThrow("prompt");
  });

  it("refuses what the engines have no place for, by name", () => {
    for (const [body, param] of [
      [{ prompt_embeds: "AAAA" }, "prompt_embeds"],
      [{ prompt: "a", max_tokens: 5, top_k: 2 ** 33 }, "top_k"],
    ] as const) {
      expect(() => prepare(body)).toThrow(expect.objectContaining({ status: 501, param }));
    }
    expect(prepare({ prompt: "a", seed: 2 ** 33 }).requiredFields).toEqual(["seed"]);
    expect(prepare({ prompt: "a", bad_words: ["x"], cache_salt: "s" }).requiredFields).toEqual([
      "bad_words",
      "cache_salt",
    ]);
    expect(prepare({ prompt: "a", session_id: "s", prompt_logprobs: 1 }).requiredFields).toEqual([]);
  });

  it.each([
    [{ suffix: "x" }, "suffix is only supported for models with FIM completion rendering"],
    [{ suffix: "x", prompt: [1, 2] }, "suffix requires text prompt input for FIM completion rendering"],
    [{ suffix: "x", echo: true }, "Echo is unsupported with suffix."],
    [{ suffix: "x", truncate_prompt_tokens: 1 }, "suffix is not supported with truncate_prompt_tokens"],
    [{ stream: true, use_beam_search: true }, "Streaming is not currently supported with beam search"],
  ])("refuses %j in vLLM's words", (body, message) => {
    expect(() => prepare({ prompt: "a", ...body })).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(message) as string }),
    );
  });

  it("keeps the end of a prompt that is truncated, unless told to keep its beginning", () => {
    const prompt = [1, 2, 3, 4];
    expect(prompts(prepare({ prompt, truncate_prompt_tokens: 2 }))).toEqual([[3, 4]]);
    expect(prompts(prepare({ prompt, truncate_prompt_tokens: 2, truncation_side: "right" }))).toEqual([
      [1, 2],
    ]);
    const words = ids("one two three four");
    expect(prompts(prepare({ prompt: "one two three four", truncate_prompt_tokens: 2 }))).toEqual([
      words.slice(-2),
    ]);
  });

  it("refuses prompts that do not fit, as text and as tokens", () => {
    const small = { ...model, maxModelLength: 8 };
    const longText = "one two three four five six seven eight nine ten";
    expect(() => prepare({ prompt: longText, max_tokens: 1 }, small)).toThrow("at least 9 input tokens");
    expect(() => prepare({ prompt: Array(12).fill(5), max_tokens: 1 }, small)).toThrow("12 input tokens");
    expect(() => prepare({ prompt: "x".repeat(100_000), max_tokens: 1 }, small)).toThrow("100000 characters");
    expect(() => prepare({ prompt: "a", max_tokens: 9 }, small)).toThrow("max_tokens=9 cannot be greater");
  });

  it("refuses token ids out of the vocabulary late, and never lets one wrap around", () => {
    expect(prepare({ prompt: [5_000], stream: true }).lateError?.message).toContain(
      "Token id 5000 is out of vocabulary",
    );
    for (const id of [2 ** 31, 2 ** 32 + 1, 2 ** 53, 1e20]) {
      expect(prepare({ prompt: [id] }).lateError?.message).toBe(`Token id ${id} is out of vocabulary`);
    }
    expect(prepare({ prompt: [[1], [2 ** 40]] }).lateError?.message).toContain("out of vocabulary");
    expect(() => prepare({ prompt: [1e20], n: 20_000 })).toThrow("n must be at most");
  });

  it("echoes token ids as text", () => {
    const prompt = ids("one two");
    expect(prepare({ prompt, echo: true }).prompts[0]?.text).toBe("one two");
    expect(prepare({ prompt }).prompts[0]?.text).toBeUndefined();
  });
});
