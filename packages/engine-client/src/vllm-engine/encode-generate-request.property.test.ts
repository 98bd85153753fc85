import { GenerateRequest as GenerateRequestMessage, type SamplingParams } from "@vllm-router/proto/messages";
import {
  type Arbitrary,
  assert,
  array,
  boolean,
  constantFrom,
  float,
  integer,
  option,
  property,
  record,
  sample,
  string,
  tuple,
  oneof,
} from "fast-check";
import { describe, expect, it } from "vitest";
import type { GenerateRequest, SamplingParameters, StructuredOutput } from "../engine.ts";
import { encodeGenerateRequest } from "./encode-generate-request.ts";

const RUNS = { numRuns: 300, seed: 20_260_101 };

// Minus zero is sent as zero, which means the same to an engine.
const float32 = (): Arbitrary<number> =>
  float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const uint32 = (): Arbitrary<number> => integer({ min: 0, max: 0xffff_ffff });
const int32 = (): Arbitrary<number> => integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const text = (): Arbitrary<string> => string({ unit: "grapheme", maxLength: 40 });
const optional = <T>(inner: Arbitrary<T>): Arbitrary<T | undefined> => option(inner, { nil: undefined });

const structuredOutput: Arbitrary<StructuredOutput> = oneof(
  text().map((schema): StructuredOutput => ({ kind: "json-schema", schema })),
  constantFrom<StructuredOutput>({ kind: "json-object" }),
  text().map((pattern): StructuredOutput => ({ kind: "regex", pattern })),
  array(text(), { maxLength: 5 }).map((choices): StructuredOutput => ({ kind: "choice", choices })),
  text().map((grammar): StructuredOutput => ({ kind: "grammar", grammar })),
  text().map((tag): StructuredOutput => ({ kind: "structural-tag", tag })),
);

const sampling: Arbitrary<SamplingParameters> = record({
  temperature: float32(),
  topP: float32(),
  topK: integer({ min: -1, max: 0xffff_ffff }),
  minP: float32(),
  frequencyPenalty: float32(),
  presencePenalty: float32(),
  repetitionPenalty: float32(),
  maxTokens: uint32(),
  minTokens: uint32(),
  stop: array(text(), { maxLength: 4 }),
  stopTokenIds: array(uint32(), { maxLength: 4 }),
  ignoreEos: boolean(),
  skipSpecialTokens: boolean(),
  spacesBetweenSpecialTokens: boolean(),
  includeStopStringInOutput: boolean(),
  n: integer({ min: 1, max: 128 }),
  seed: optional(int32()),
  logprobs: optional(integer({ min: -1, max: 20 })),
  promptLogprobs: optional(integer({ min: -1, max: 20 })),
  logitBias: optional(array(tuple(int32(), float32()), { maxLength: 5 }).map((entries) => new Map(entries))),
  structuredOutput: optional(structuredOutput),
  grammarFromFirstToken: boolean(),
});

/** Where the length of a varint changes. */
const EDGES = [0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff, 0x10000000, 0x7fffffff];

const request: Arbitrary<GenerateRequest> = record({
  requestId: text(),
  tokenIds: array(oneof(integer({ min: 0, max: 300_000 }), constantFrom(...EDGES)), { maxLength: 400 }).map(
    (ids) => Int32Array.from(ids),
  ),
  sampling,
  stream: boolean(),
  deadlineAtMs: constantFrom(undefined),
  rank: optional(integer({ min: 0, max: 300 })),
  kvTransferParams: optional(text()),
  metadata: constantFrom(undefined),
});

const [plain] = sample(request, { numRuns: 1, seed: 1 }) as [GenerateRequest];

function constraintOf(output: StructuredOutput): SamplingParams["constraint"] {
  switch (output.kind) {
    case "json-schema":
      return { $case: "jsonSchema", value: output.schema };
    case "json-object":
      return { $case: "jsonObject", value: true };
    case "regex":
      return { $case: "regex", value: output.pattern };
    case "choice":
      return { $case: "choice", value: { choices: [...output.choices] } };
    case "grammar":
      return { $case: "grammar", value: output.grammar };
    case "structural-tag":
      return { $case: "structuralTag", value: output.tag };
  }
}

/** The same request for the generated encoder. */
function messageOf(from: GenerateRequest): GenerateRequestMessage {
  const { sampling: given } = from;
  return GenerateRequestMessage.fromPartial({
    requestId: from.requestId,
    input: { $case: "tokenized", value: { originalText: "", inputIds: [...from.tokenIds] } },
    stream: from.stream,
    kvTransferParamsJson: from.kvTransferParams,
    dataParallelRank: from.rank,
    samplingParams: {
      temperature: given.temperature,
      topP: given.topP,
      topK: Math.max(given.topK, 0),
      minP: given.minP,
      frequencyPenalty: given.frequencyPenalty,
      presencePenalty: given.presencePenalty,
      repetitionPenalty: given.repetitionPenalty,
      maxTokens: given.maxTokens,
      minTokens: given.minTokens,
      stop: [...given.stop],
      stopTokenIds: [...given.stopTokenIds],
      ignoreEos: given.ignoreEos,
      skipSpecialTokens: given.skipSpecialTokens,
      spacesBetweenSpecialTokens: given.spacesBetweenSpecialTokens,
      includeStopStrInOutput: given.includeStopStringInOutput,
      n: given.n,
      seed: given.seed,
      logprobs: given.logprobs,
      promptLogprobs: given.promptLogprobs,
      logitBias: Object.fromEntries(given.logitBias ?? []),
      grammarFromFirstToken: given.grammarFromFirstToken === true,
      constraint: given.structuredOutput === undefined ? undefined : constraintOf(given.structuredOutput),
    },
  });
}

describe("encodeGenerateRequest()", () => {
  it("says the same as the generated encoder", () => {
    assert(
      property(request, (given) => {
        const frame = encodeGenerateRequest(given);
        expect(frame[0]).toBe(0);
        expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
        const expected = GenerateRequestMessage.encode(messageOf(given)).finish();
        expect(GenerateRequestMessage.decode(frame.subarray(5))).toEqual(
          GenerateRequestMessage.decode(expected),
        );
      }),
      RUNS,
    );
  });

  it("does not pack again what a prompt shares with an earlier one", () => {
    const first = Int32Array.from({ length: 20 }, (_, index) => index * 100);
    const whole = encodeGenerateRequest({ ...plain, tokenIds: first });
    encodeGenerateRequest({ ...plain, tokenIds: first, recurring: { earlier: undefined, shared: 0 } });
    const grown = new Int32Array(20);
    grown.set(first.subarray(18), 18);
    expect(
      encodeGenerateRequest({ ...plain, tokenIds: grown, recurring: { earlier: first, shared: 18 } }),
    ).toEqual(whole);
  });

  it("says the same of prompts that come again, grown or branched off", () => {
    const ids = array(oneof(integer({ min: 0, max: 300_000 }), constantFrom(...EDGES)), { maxLength: 60 });
    assert(
      property(array(tuple(ids, integer({ min: 0, max: 200 })), { maxLength: 12 }), (turns) => {
        let earlier: Int32Array | undefined;
        for (const [added, kept] of turns) {
          const shared = Math.min(kept, earlier?.length ?? 0);
          const tokenIds = Int32Array.from([...(earlier ?? []).slice(0, shared), ...added]);
          const given = { ...plain, tokenIds };
          const expected = encodeGenerateRequest(given);
          const recurring = { earlier, shared };
          expect(encodeGenerateRequest({ ...given, recurring })).toEqual(expected);
          // As for a second try of the same prompt.
          expect(encodeGenerateRequest({ ...given, recurring })).toEqual(expected);
          earlier = tokenIds;
        }
      }),
      RUNS,
    );
  });

  it.each([0, 1, 62, 63, 64, 65, 125, 127, 128, 5450, 5460, 5461, 5462, 8180, 8191, 8192, 16_383, 16_384])(
    "writes the sizes before %i ids of any width as short as the generated encoder",
    (count) => {
      for (const id of [5, 0x80, 0x4000, 0x1fffff, 0x200000, 0x7fffffff]) {
        const tokenIds = new Int32Array(count).fill(id);
        const given = { ...plain, tokenIds };
        const { input } = GenerateRequestMessage.decode(encodeGenerateRequest(given).subarray(5));
        expect(input).toEqual({ $case: "tokenized", value: { originalText: "", inputIds: [...tokenIds] } });
        const tokenized = GenerateRequestMessage.encode({
          ...GenerateRequestMessage.fromPartial({}),
          input: messageOf(given).input,
        }).finish();
        const without = encodeGenerateRequest({ ...given, tokenIds: new Int32Array() }).length;
        // An empty prompt is a tag and a size of nothing.
        expect(encodeGenerateRequest(given).length - without + 2).toBe(tokenized.length);
      }
    },
  );
});
