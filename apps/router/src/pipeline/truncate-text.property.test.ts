import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Tokenizer } from "@vllm-router/text";
import { builtinRuntime } from "../../test/fake-pipeline.ts";
import { truncateTextToTokens } from "./truncate-text.ts";

let tokenizer: Tokenizer;

beforeAll(async () => {
  ({ tokenizer } = await builtinRuntime());
});

const texts = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(fc.constantFrom("The ", "river", " ", "naïve", "🎉", "世界", "\n", "walk", "ing"), {
      maxLength: 20,
    })
    .map((words) => words.join("")),
);

describe("truncateTextToTokens", () => {
  it("gives a beginning of the text with at most so many tokens, cut between characters", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, maxTokens) => {
        const cut = truncateTextToTokens(text, maxTokens, tokenizer);
        expect(text.startsWith(cut)).toBe(true);
        expect(tokenizer.encode(cut, false).length).toBeLessThanOrEqual(maxTokens);
        expect(/\p{Surrogate}/u.test(cut)).toBe(/\p{Surrogate}/u.test(text) && /\p{Surrogate}/u.test(cut));
      }),
    );
  });

  it("leaves a text alone that is short enough, and otherwise cuts where its own token ends", () => {
    const text = "The river runs through the valley";
    const whole = [...tokenizer.encode(text, false)];
    for (let maxTokens = 1; maxTokens <= whole.length; maxTokens += 1) {
      const cut = truncateTextToTokens(text, maxTokens, tokenizer);
      expect([...tokenizer.encode(cut, false)]).toEqual(whole.slice(0, maxTokens));
    }
    expect(truncateTextToTokens(text, 100, tokenizer)).toBe(text);
  });

  it("gives up a character whose tokens do not all fit", () => {
    const tokens = tokenizer.encode("🎉", false).length;
    expect(tokens).toBeGreaterThan(1);
    expect(truncateTextToTokens("🎉", 1, tokenizer)).toBe("");
  });
});
