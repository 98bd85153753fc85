import type { Tokenizer } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { endsInTail, findDecisionLabels, isReadByNextToken } from "./decision-labels.ts";

const ADDED = 9000;

/** A token a character, and one for each of some words. */
function tokenizerOf(words: readonly string[]): Tokenizer {
  return {
    addedTokenText: (id: number) => (id === ADDED ? "<end>" : undefined),
    decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
    encode: (text: string) => {
      const word = words.find((candidate) => text.endsWith(candidate));
      const rest = word === undefined ? text : text.slice(0, -word.length);
      const ids = Array.from(rest, (character) => character.codePointAt(0) ?? 0);
      return Int32Array.from(word === undefined ? ids : [...ids, 5000 + words.indexOf(word)]);
    },
  } as unknown as Tokenizer;
}

describe("findDecisionLabels", () => {
  it("finds the token each label is after a prompt's last lines", () => {
    const labels = findDecisionLabels(tokenizerOf(["yes", "no"]), Int32Array.of(65, ADDED, 10, 10));
    expect(labels?.tail).toEqual([10, 10]);
    expect([labels?.ids.get("A"), labels?.ids.get("yes"), labels?.ids.get("no")]).toEqual([65, 5000, 5001]);
    expect(labels?.ids.size).toBe(26 + 2 + 10);
    expect(labels !== undefined && endsInTail(Int32Array.of(1, 10, 10), labels)).toBe(true);
    expect(labels !== undefined && endsInTail(Int32Array.of(10, 1), labels)).toBe(false);
    expect(labels !== undefined && endsInTail(Int32Array.of(10), labels)).toBe(false);
  });

  it("finds none where a label is several tokens", () => {
    expect(findDecisionLabels(tokenizerOf(["yes"]), Int32Array.of(ADDED, 10))).toBeUndefined();
  });
});

describe("isReadByNextToken", () => {
  it("knows vLLM's classes", () => {
    expect(["Qwen3ForCausalLM", "LlamaForCausalLM", undefined].map(isReadByNextToken)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
