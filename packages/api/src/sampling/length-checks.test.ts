import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { type CompletionRequest, parseCompletionRequest } from "../request/completion-request.ts";
import {
  checkEnginePrompt,
  checkPromptLength,
  checkPromptText,
  promptTokenLimit,
  truncatedRange,
  truncatePromptText,
} from "./length-checks.ts";

const context = { maxModelLength: 100, maxCharactersPerToken: 10 };

function request(fields = ""): CompletionRequest {
  return parseCompletionRequest(parseJson(`{"prompt":"hi"${fields}}`));
}

describe("length rules", () => {
  it("refuses texts that no tokenisation could shorten enough", () => {
    expect(() => checkPromptText(request(), 1000, context)).not.toThrow();
    expect(() => checkPromptText(request(), 1001, context)).toThrow(
      "This model's maximum context length is 100 tokens. However, your prompt contains 1001 characters (more than " +
        "1000 characters, which is the upper bound for 100 input tokens). Please reduce the length of the input " +
        "prompt. (parameter=input_text, value=1001)",
    );
    expect(() => checkPromptText(request(',"truncate_prompt_tokens":5'), 1001, context)).not.toThrow();
  });

  it("says `at least` where the tokenizer was stopped", () => {
    expect(() => checkPromptLength(100, 100)).not.toThrow();
    expect(() => checkPromptLength(101, 100)).toThrow("contains at least 101 input tokens");
    expect(() => checkPromptLength(102, 100)).toThrow("contains 102 input tokens");
  });

  it("asks the tokenizer for no more than is looked at", () => {
    expect(promptTokenLimit(request(), 100)).toBe(101);
    expect(promptTokenLimit(request(',"truncate_prompt_tokens":5'), 100)).toBe(5);
    expect(promptTokenLimit(request(',"truncate_prompt_tokens":-1'), 100)).toBe(99);
    expect(promptTokenLimit(request(',"truncate_prompt_tokens":-1,"max_tokens":0'), 100)).toBe(100);
    expect(
      promptTokenLimit(request(',"truncate_prompt_tokens":5,"truncation_side":"left"'), 100),
    ).toBeUndefined();
  });

  it("keeps the side that is asked for", () => {
    const range = (fields: string, count: number): unknown => truncatedRange(request(fields), count, context);
    expect(range("", 200)).toEqual({ start: 0, end: 200 });
    expect(range(',"truncate_prompt_tokens":5', 200)).toEqual({ start: 0, end: 5 });
    expect(range(',"truncate_prompt_tokens":5,"truncation_side":"left"', 200)).toEqual({
      start: 195,
      end: 200,
    });
    expect(range(',"truncate_prompt_tokens":0,"truncation_side":"left"', 200)).toEqual({ start: 0, end: 0 });
    expect(range(',"truncate_prompt_tokens":-1', 200)).toEqual({ start: 0, end: 99 });
    expect(range(',"truncate_prompt_tokens":5', 3)).toEqual({ start: 0, end: 3 });
    const leftByDefault = { ...context, truncationSide: "left" } as const;
    expect(truncatedRange(request(',"truncate_prompt_tokens":5'), 9, leftByDefault)).toEqual({
      start: 4,
      end: 9,
    });
  });

  it("cuts far too long texts before they are tokenised, where a side is named", () => {
    const text = `${"😀".repeat(600)}${"b".repeat(600)}`;
    const left = request(',"truncate_prompt_tokens":5,"truncation_side":"left"');
    const right = request(',"truncate_prompt_tokens":5,"truncation_side":"right"');
    expect(truncatePromptText(left, text, context)).toBe(`${"😀".repeat(400)}${"b".repeat(600)}`);
    expect(truncatePromptText(right, text, context)).toBe(`${"😀".repeat(600)}${"b".repeat(400)}`);
    expect(truncatePromptText(request(',"truncate_prompt_tokens":5'), text, context)).toBe(text);
  });

  it("looks at prompts as the engine does", () => {
    const limits = { maxModelLength: 4, maxTokenId: 9 };
    expect(() => checkEnginePrompt([0, 9, 3], limits)).not.toThrow();
    expect(() => checkEnginePrompt([], limits)).toThrow("The decoder prompt cannot be empty");
    expect(() => checkEnginePrompt([1, 1, 1, 1], limits)).toThrow(
      "The decoder prompt (length 4) plus the number of requested output tokens (at least 1) is longer",
    );
    expect(() => checkEnginePrompt([1, 1, 1, 1, 1], limits)).toThrow(
      "is longer than the maximum model length of 4.",
    );
    expect(() => checkEnginePrompt([10, -1], limits)).toThrow("Token id -1 is out of vocabulary");
    expect(() => checkEnginePrompt([10], limits)).toThrow("Token id 10 is out of vocabulary");
    expect(() => checkEnginePrompt([10], { ...limits, highestTokenId: 10 })).toThrow(
      "Token id 10 is out of vocabulary",
    );
    // What cannot be there is not looked for.
    expect(() => checkEnginePrompt([10], { ...limits, highestTokenId: 9 })).not.toThrow();
  });
});
