import type { ChoiceOutput } from "@vllm-router/api";
import { describe, expect, it } from "vitest";
import { GatheredOutput } from "./gathered-output.ts";

function output(text: string, ...tokenIds: readonly number[]): ChoiceOutput {
  const logprobs = tokenIds.map((tokenId) => ({ tokenId, token: text, logprob: -tokenId, top: [] }));
  // Engines reuse a longer array.
  return { text, tokenIds: [...tokenIds, 99], tokenCount: tokenIds.length, logprobs };
}

const ids = (told: ChoiceOutput | undefined): readonly number[] | undefined =>
  told && Array.from(told.tokenIds).slice(0, told.tokenCount);

describe("GatheredOutput", () => {
  it("tells the first output, then every so many tokens, then the rest", () => {
    const gathered = new GatheredOutput(3);
    const told = [output("a", 1), output("b", 2), output("c", 3), output("d", 4), output("e", 5)].map(
      (each) => gathered.take(each),
    );
    expect(told.map(ids)).toEqual([[1], undefined, undefined, [2, 3, 4], undefined]);
    expect(told[3]).toMatchObject({
      text: "bcd",
      logprobs: [{ logprob: -2 }, { logprob: -3 }, { logprob: -4 }],
    });
    const last = gathered.last(output("f", 6));
    expect([last.text, ids(last), last.logprobs?.length]).toEqual(["ef", [5, 6], 2]);
  });

  it("tells outputs of many tokens as they come, and an end without tokens", () => {
    const gathered = new GatheredOutput(2);
    expect(ids(gathered.take(output("abc", 1, 2, 3)))).toEqual([1, 2, 3]);
    expect(ids(gathered.take(output("d", 4)))).toBe(undefined);
    expect(gathered.last({ text: "!", tokenIds: [], tokenCount: 0, logprobs: undefined })).toMatchObject({
      text: "d!",
      tokenCount: 1,
    });
  });
});
