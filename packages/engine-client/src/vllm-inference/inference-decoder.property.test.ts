import {
  InferenceFinishReason,
  InferenceGenerateResponse,
  type PromptInfo,
  type SequenceOutput,
} from "@vllm-router/proto/messages";
import {
  array,
  assert,
  type Arbitrary,
  constantFrom,
  float,
  integer,
  oneof,
  option,
  property,
  record,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { EngineError } from "../engine-error.ts";
import { InferenceDecoder } from "./inference-decoder.ts";

const RUNS = { numRuns: 300, seed: 20_260_104 };

const uint32 = (): Arbitrary<number> => integer({ min: 0, max: 0xffff_ffff });
// The generated encoder leaves out minus zero, too.
const logprob = (): Arbitrary<number> =>
  float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const token = record({ id: integer({ min: 0, max: 8 }), logprob: logprob(), rank: uint32() });

interface Position {
  readonly id: number;
  readonly logprob: number;
  readonly rank: number;
  readonly others: readonly { readonly id: number; readonly logprob: number; readonly rank: number }[];
}

const positions = (minLength: number): Arbitrary<readonly Position[]> =>
  array(
    tuple(token, array(token, { maxLength: 4 })).map(([own, others]) => ({
      ...own,
      // Alternatives are distinct, and name the token itself with its own logprob.
      others: others
        .filter((other, at) => others.findIndex(({ id }) => id === other.id) === at)
        .map((other) => (other.id === own.id ? own : other)),
    })),
    { minLength, maxLength: 6 },
  );

const sequence: Arbitrary<Partial<SequenceOutput>> = tuple(
  oneof(array(uint32(), { maxLength: 3 }), array(uint32(), { maxLength: 200 })),
  string(),
).map(([tokenIds, text]) => ({ tokenIds, text, numTokens: tokenIds.length }));

const finishInfo = record({
  numOutputTokens: uint32(),
  finishReason: constantFrom(
    InferenceFinishReason.STOP,
    InferenceFinishReason.LENGTH,
    InferenceFinishReason.ABORTED,
  ),
  stopReason: oneof(
    constantFrom(undefined),
    uint32().map((value) => ({ $case: "stopTokenId" as const, value })),
    uint32().map((value) => ({ $case: "eosTokenId" as const, value })),
    string({ unit: "grapheme" }).map((value) => ({ $case: "stopString" as const, value })),
  ),
  kvTransferParams: option(constantFrom({ port: 5600, blocks: [[1, 2]], none: null }), { nil: undefined }),
});

const REASONS = {
  [InferenceFinishReason.STOP]: "stop",
  [InferenceFinishReason.LENGTH]: "length",
  [InferenceFinishReason.ABORTED]: "error",
} as const;

function decode(decoder: InferenceDecoder, message: unknown): ReturnType<InferenceDecoder["decode"]> {
  const bytes = Buffer.from(
    InferenceGenerateResponse.encode(InferenceGenerateResponse.fromPartial(message as object)).finish(),
  );
  const around = Buffer.concat([Buffer.alloc(5, 0xff), bytes, Buffer.alloc(5, 0xff)]);
  return decoder.decode(around, 5, 5 + bytes.length);
}

/** Token itself first, then the others. */
function withOwnFirst({ id, logprob: own, others }: Position): readonly (readonly [number, number])[] {
  const rest = others.filter((other) => other.id !== id);
  return others.length === 0 ? [] : [[id, own], ...rest.map((other) => [other.id, other.logprob] as const)];
}

/** Code of the error that bytes are answered with; undefined for none. */
function problemOf(bytes: Uint8Array): string | undefined {
  try {
    new InferenceDecoder().decode(Buffer.from(bytes), 0, bytes.length);
    return undefined;
  } catch (error) {
    return error instanceof EngineError ? error.code : String(error);
  }
}

describe("InferenceDecoder", () => {
  it("reads what the generated encoder writes", () => {
    assert(
      property(sequence, option(finishInfo, { nil: undefined }), uint32(), (outputs, end, promptTokens) => {
        const decoder = new InferenceDecoder();
        expect(decode(decoder, { promptInfo: { numPromptTokens: promptTokens } })).toBe("none");
        const kind = decode(decoder, { outputs: { ...outputs, finishInfo: end } });
        expect(kind).toBe(end === undefined ? "chunk" : "last");
        const { output, finish } = decoder;
        expect(Array.from(output.tokenIds.subarray(0, output.tokenCount))).toEqual(outputs.tokenIds);
        expect(output).toMatchObject({ index: 0, promptTokens, cachedTokens: 0, logprobs: undefined });
        if (end === undefined) return;
        expect(finish).toMatchObject({
          reason: REASONS[end.finishReason as keyof typeof REASONS],
          matchedStop: end.stopReason?.$case === "eosTokenId" ? undefined : end.stopReason?.value,
          kvTransferParams: end.kvTransferParams && JSON.stringify(end.kvTransferParams),
        });
      }),
      RUNS,
    );
  });

  it("puts every token in front of its alternatives", () => {
    assert(
      property(positions(1), (given) => {
        const decoder = new InferenceDecoder();
        decode(decoder, {
          outputs: {
            tokenIds: given.map(({ id }) => id),
            logprobs: given.map((position) => position.logprob),
            ranks: given.map(({ rank }) => rank),
            candidateTokens: given.map(({ others }) => ({ tokens: others })),
          },
        });
        expect(decoder.output.logprobs).toEqual({
          tokenLogprobs: given.map((position) => position.logprob),
          topTokenIds: given.map((position) => withOwnFirst(position).map(([id]) => id)),
          topLogprobs: given.map((position) => withOwnFirst(position).map(([, value]) => value)),
        });
      }),
      RUNS,
    );
  });

  it("gives the prompt's logprobs and ranks with the first output, once", () => {
    assert(
      property(positions(1), (given) => {
        const decoder = new InferenceDecoder();
        const promptInfo: Partial<PromptInfo> = {
          numPromptTokens: given.length,
          tokenIds: given.map(({ id }) => id),
          logprobs: given.map((position) => position.logprob),
          ranks: given.map(({ rank }) => rank),
          candidateTokens: given.map(({ others }) => ({ tokens: [...others] })),
        };
        decode(decoder, { promptInfo });
        decode(decoder, { outputs: { tokenIds: [1] } });
        expect(decoder.output.promptLogprobs).toEqual({
          tokenIds: promptInfo.tokenIds,
          tokenLogprobs: given.map((position, at) => (at === 0 ? undefined : position.logprob)),
          topTokenIds: given.map((position) => withOwnFirst(position).map(([id]) => id)),
          topLogprobs: given.map((position) => withOwnFirst(position).map(([, value]) => value)),
          ranks: promptInfo.ranks,
        });
        decode(decoder, { outputs: { tokenIds: [2] } });
        expect(decoder.output.promptLogprobs).toBe(undefined);
      }),
      RUNS,
    );
  });

  it("reads any bytes or throws a protocol error", () => {
    assert(
      property(uint8Array({ maxLength: 60 }), (bytes) => {
        expect(problemOf(bytes)).toBeOneOf([undefined, "protocol"]);
      }),
      { numRuns: 3000, seed: 20_260_105 },
    );
  });
});
