import { describe, expect, it } from "vitest";
import { internalError } from "../api-error.ts";
import type { PositionLogprobs } from "../writer.ts";
import { createGenerativeScoringWriter } from "./generative-scoring-writer.ts";

type GenerativeScoringWriter = ReturnType<typeof createGenerativeScoringWriter>;

const identity = { id: "generative-scoring-1", created: 7, model: "m", systemFingerprint: null };

function writerOf(labels: readonly number[], applySoftmax = true): GenerativeScoringWriter {
  return createGenerativeScoringWriter({ identity, labels, applySoftmax, promptTokens: [3, 4] });
}

/** One output of one token with its alternatives, the token first as engines have it. */
function position(...entries: readonly (readonly [tokenId: number, logprob: number])[]): PositionLogprobs {
  const top = entries.map(([tokenId, logprob]) => ({ tokenId, token: "", logprob }));
  return { ...(top[0] as (typeof top)[number]), top };
}

function tell(writer: GenerativeScoringWriter, choice: number, at: PositionLogprobs): void {
  writer.output(choice, { text: "", tokenIds: [at.tokenId], tokenCount: 1, logprobs: [at] }, undefined);
}

function bodyOf(writer: GenerativeScoringWriter): unknown {
  return JSON.parse(writer.end({ promptTokens: 99, cachedTokens: undefined, kvTransferParams: undefined }));
}

describe("a generative score", () => {
  it("is the first label's share among the labels", () => {
    const writer = writerOf([5, 6]);
    tell(writer, 0, position([5, Math.log(0.2)], [6, Math.log(0.6)], [9, Math.log(0.1)]));
    tell(writer, 1, position([5, Math.log(0.3)], [6, Math.log(0.1)]));
    expect(writer.labels.missing()).toEqual([]);
    expect(bodyOf(writer)).toEqual({
      id: "generative-scoring-1",
      object: "list",
      created: 7,
      model: "m",
      data: [
        { index: 0, object: "score", score: expect.closeTo(0.25, 12) },
        { index: 1, object: "score", score: expect.closeTo(0.75, 12) },
      ],
      usage: {
        prompt_tokens: 7,
        total_tokens: 9,
        completion_tokens: 2,
        prompt_tokens_details: null,
        completion_tokens_details: null,
      },
    });
  });

  it("asks for the labels that no output told, and takes them from further prompts", () => {
    const writer = writerOf([5, 6, 7]);
    expect(writer.labels.reads).toEqual([
      { item: 0, label: 5 },
      { item: 1, label: 5 },
    ]);
    tell(writer, 0, position([5, -1], [7, -2]));
    tell(writer, 1, position([5, -1], [6, -1], [7, -1]));
    expect(writer.labels.missing()).toEqual([{ item: 0, label: 6 }]);
    writer.labels.expect(writer.labels.missing());
    tell(writer, 2, position([6, -3]));
    expect(writer.labels.missing()).toEqual([]);
    expect(bodyOf(writer)).toMatchObject({
      data: [
        { score: expect.closeTo(Math.exp(-1) / (Math.exp(-1) + Math.exp(-2) + Math.exp(-3)), 12) },
        { score: expect.closeTo(1 / 3, 12) },
      ],
    });
  });

  it("is the model's own probability without softmax, and needs the first label only", () => {
    const writer = writerOf([5, 6], false);
    tell(writer, 0, position([5, -1]));
    tell(writer, 1, position([5, -2]));
    expect(writer.labels.missing()).toEqual([]);
    expect(bodyOf(writer)).toMatchObject({ data: [{ score: Math.exp(-1) }, { score: Math.exp(-2) }] });
  });

  it("counts a label that is named twice once", () => {
    const writer = writerOf([5, 5]);
    tell(writer, 0, position([5, -1]));
    tell(writer, 1, position([5, -2]));
    expect(bodyOf(writer)).toMatchObject({ data: [{ score: 1 }, { score: 1 }] });
  });

  it("does not make up what is missing", () => {
    const writer = writerOf([5, 6]);
    tell(writer, 0, position([5, -1]));
    expect(() => bodyOf(writer)).toThrow("Token IDs [6] not found in logprobs for item 0.");
    expect(() => writer.error(internalError("x"))).toThrow("x");
  });
});
