import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createTokenizer } from "../tokenizer/create-tokenizer.ts";
import { readTokenizerFiles, type TestModel } from "../tokenizer/installed-tokenizer.cases.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { createLogprobTexts } from "./logprob-texts.ts";
import { createSequenceText } from "./sequence-text.ts";

interface SequenceRecord {
  readonly kind: "sequence";
  readonly model: TestModel;
  readonly prompt: number[];
  readonly tokens: number[];
  /** Last token, with which the engine stops; null when it stops for length. */
  readonly stopToken: number | null;
  readonly stop: string[];
  readonly includeStopString: boolean;
  readonly minTokens: number;
  readonly skipSpecialTokens: boolean;
  readonly spacesBetweenSpecialTokens: boolean;
  /** Tokens of an output, text given out, output tokens counted so far. */
  readonly steps: readonly (readonly [number, string, number])[];
  readonly matched: string | null;
}

interface LogprobsRecord {
  readonly kind: "logprobs";
  readonly model: TestModel;
  readonly positions: readonly (readonly [number[], string[]])[];
}

const file = new URL("../detokenize/__fixtures__/vllm-detokenizer.jsonl.gz", import.meta.url);
const records = gunzipSync(readFileSync(file))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as SequenceRecord | LogprobsRecord);

function replaySequence(tokenizer: Tokenizer, record: SequenceRecord): unknown {
  const sequence = createSequenceText({
    ...record,
    tokenizer,
    promptTokenIds: record.prompt,
    maxTokens: record.stopToken === null ? record.tokens.length : 1_000_000,
    ignoreEos: false,
    endOfSequenceTokenId: undefined,
    stopTokenIds: new Set(record.stopToken === null ? [] : [record.stopToken]),
  });
  let taken = 0;
  const steps = record.steps.map(([count]) => {
    const { text } = sequence.push(record.tokens.slice(taken, taken + count), count);
    taken += count;
    return [count, text, sequence.tokenCount];
  });
  return { steps, finish: sequence.expectedFinish, rest: sequence.finish().text };
}

function expectedOf(record: SequenceRecord): unknown {
  let finish: unknown = { reason: "length", stopReason: null };
  if (record.matched !== null) finish = { reason: "stop", stopReason: record.matched };
  else if (record.stopToken !== null) finish = { reason: "stop", stopReason: record.stopToken };
  return { steps: record.steps, finish, rest: "" };
}

const sequences = records.filter((record) => record.kind === "sequence");
const logprobs = records.filter((record) => record.kind === "logprobs");

describe("vLLM 0.32's own detokenizer and logprobs", { timeout: 30_000 }, () => {
  it.each([...new Set(records.map((record) => record.model))])("give the same for %s", (model) => {
    const tokenizer = createTokenizer({ tokenizerJson: readTokenizerFiles(model).tokenizerJson });
    const ofModel = sequences.filter((record) => record.model === model);
    for (const record of ofModel) expect(replaySequence(tokenizer, record)).toEqual(expectedOf(record));
    // The fixture would prove little about stop strings if they were never found.
    expect(ofModel.filter((record) => record.matched !== null).length).toBeGreaterThan(10);
    for (const record of logprobs.filter((each) => each.model === model)) {
      const texts = createLogprobTexts(tokenizer);
      expect(record.positions.map(([ids]) => texts.next(ids))).toEqual(
        record.positions.map(([, expected]) => expected),
      );
    }
  });
});
