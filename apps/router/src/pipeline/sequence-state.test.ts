import { parseCompletionRequest, parseJson } from "@vllm-router/api";
import type { TokenOutput } from "@vllm-router/engine-client";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime, envelopeOf } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { prepareCompletion } from "./prepare-completion.ts";
import { SequenceState } from "./sequence-state.ts";

let model: ModelRuntime;
let words: readonly number[];

beforeAll(async () => {
  model = await builtinRuntime();
  words = [...model.tokenizer.encode("one two three four five six", false)];
});

interface Told {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finish: string | undefined;
  readonly stopReason: unknown;
}

function create(body: Readonly<Record<string, unknown>> = {}): { state: SequenceState; told: Told[] } {
  const json = parseJson(JSON.stringify({ prompt: "Hi", max_tokens: 6, temperature: 0, ...body }));
  const plan = prepareCompletion(parseCompletionRequest(json), envelopeOf(model));
  const [prompt] = plan.prompts;
  if (prompt === undefined) {
    throw new Error("there is a prompt");
  }
  const told: Told[] = [];
  const state = new SequenceState(plan, {
    prompt,
    choice: 4,
    ordinal: 1,
    listener: {
      choiceOutput: (choice, { text, tokenIds, tokenCount }, finish) => {
        expect(choice).toBe(4);
        const ids = Array.from(tokenIds).slice(0, tokenCount);
        told.push({ text, ids, finish: finish?.reason, stopReason: finish?.stopReason });
      },
    },
  });
  return { state, told };
}

function output(tokenIds: readonly number[]): TokenOutput {
  return {
    index: 0,
    // Longer than what counts, as engines reuse it.
    tokenIds: [...tokenIds, 7, 7],
    tokenCount: tokenIds.length,
    logprobs: undefined,
    promptLogprobs: undefined,
    promptTokens: 1,
    cachedTokens: 0,
  };
}

const engineLength = { reason: "length", matchedStop: undefined, kvTransferParams: undefined } as const;

describe("SequenceState", () => {
  it("says the reason of the end with the last token", () => {
    const { state, told } = create({ max_tokens: 2 });
    expect(state.output(output(words.slice(0, 1)))).toBe("go-on");
    expect(state.output(output(words.slice(1, 2)))).toBe("go-on");
    expect([told.length, state.finished]).toEqual([1, false]);
    state.finish(engineLength);
    state.finish(engineLength);
    expect(told).toEqual([
      { text: "one", ids: words.slice(0, 1), finish: undefined, stopReason: undefined },
      { text: " two", ids: words.slice(1, 2), finish: "length", stopReason: null },
    ]);
    expect([state.finishReason, state.tokenCount]).toEqual(["length", 2]);
  });

  it("ends with the end-of-sequence token, whose text is not the client's", () => {
    const { state, told } = create();
    const end = model.endOfSequenceTokenId ?? -1;
    state.output(output([...words.slice(0, 1), end, ...words.slice(1, 3)]));
    state.finish({ ...engineLength, reason: "stop" });
    expect(told).toEqual([{ text: "one", ids: [words[0], end], finish: "stop", stopReason: null }]);
  });

  it("stops an engine that goes on behind a stop string", () => {
    const { state, told } = create({ stop: "two" });
    state.output(output(words.slice(0, 1)));
    state.output(output(words.slice(1, 2)));
    expect(state.output(output(words.slice(2, 3)))).toBe("engine-overran");
    expect(state.output(output(words.slice(3, 4)))).toBe("engine-overran");
    expect(told.map(({ text }) => text).join("")).toBe("one ");
    expect(told.at(-1)).toMatchObject({ finish: "stop", stopReason: "two" });
    expect(state.tokenCount).toBe(2);
  });

  it("stops an engine that goes on behind the last token, but not for an output of nothing", () => {
    const { state, told } = create({ max_tokens: 1 });
    state.output(output(words.slice(0, 1)));
    expect(state.output(output([]))).toBe("go-on");
    expect(told).toEqual([]);
    expect(state.output(output(words.slice(1, 2)))).toBe("engine-overran");
    expect(told).toMatchObject([{ text: "one", finish: "length" }]);
  });

  it("ends a repetition with the token that completes it, and stops the engine", () => {
    const [one = 0, two = 0, three = 0] = words;
    const { state, told } = create({
      max_tokens: 20,
      min_tokens: 5,
      repetition_detection: { max_pattern_size: 2, min_count: 2 },
    });
    expect(state.output(output([one, two, one, two]))).toBe("go-on");
    expect(state.output(output([three, three, one]))).toBe("engine-overran");
    expect(state.output(output([one]))).toBe("engine-overran");
    expect(told.map(({ ids, finish, stopReason }) => [ids, finish, stopReason])).toEqual([
      [[one, two, one, two], undefined, undefined],
      [[three, three], "repetition", "repetition_detected"],
    ]);
    expect(state.tokenCount).toBe(6);
  });

  it("can be ended without its engine once the last token is there, not before", () => {
    const { state, told } = create({ max_tokens: 2 });
    expect([state.started, state.endAsExpected()]).toEqual([false, false]);
    state.output(output(words.slice(0, 1)));
    expect([state.started, state.endAsExpected()]).toEqual([true, false]);
    state.output(output(words.slice(1, 2)));
    expect([state.endAsExpected(), state.endAsExpected()]).toEqual([true, true]);
    expect(told).toHaveLength(2);
  });

  it("takes the engine's word for an end it did not expect, and gives out what was held back", () => {
    const { state, told } = create({ stop: "one two nine" });
    state.output(output(words.slice(0, 2)));
    state.finish({ ...engineLength, reason: "abort" });
    expect(told.map(({ text }) => text).join("")).toBe("one two");
    expect(told.at(-1)).toMatchObject({ finish: "abort", stopReason: null, ids: [] });
    const repeating = create();
    repeating.state.finish({ ...engineLength, reason: "repetition" });
    expect(repeating.told).toMatchObject([{ finish: "repetition", stopReason: "repetition_detected" }]);
  });
});
