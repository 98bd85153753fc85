import {
  type GenerateComplete,
  GenerateResponse,
  type GenerateStreamChunk,
  type InputLogProbs,
  type OutputLogProbs,
} from "@vllm-router/proto/messages";
import {
  array,
  assert,
  type Arbitrary,
  boolean,
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
import { ResponseDecoder } from "./response-decoder.ts";

const RUNS = { numRuns: 300, seed: 20_260_102 };

const uint32 = (): Arbitrary<number> => integer({ min: 0, max: 0xffff_ffff });
const logprob = (): Arbitrary<number> => float({ noNaN: true, noDefaultInfinity: true });

/** Lists of alternatives for each token, or none at all. */
const alternatives = (length: number): Arbitrary<OutputLogProbs["topLogprobs"]> =>
  oneof(
    constantFrom<OutputLogProbs["topLogprobs"]>([]),
    array(
      array(tuple(uint32(), logprob()), { maxLength: 4 }).map((pairs) => ({
        tokenIds: pairs.map(([id]) => id),
        values: pairs.map(([, value]) => value),
      })),
      { minLength: length, maxLength: length },
    ),
  );

const outputLogprobs = (tokenIds: number[]): Arbitrary<OutputLogProbs | undefined> =>
  tokenIds.length === 0
    ? constantFrom(undefined)
    : option(
        record({
          tokenIds: constantFrom(tokenIds),
          tokenLogprobs: array(logprob(), { minLength: tokenIds.length, maxLength: tokenIds.length }),
          topLogprobs: alternatives(tokenIds.length),
        }),
        { nil: undefined },
      );

const inputLogprobs: Arbitrary<InputLogProbs | undefined> = option(
  array(tuple(uint32(), option(logprob(), { nil: undefined })), { minLength: 1, maxLength: 5 }).chain(
    (tokens) =>
      alternatives(tokens.length).map((topLogprobs) => ({
        tokenIds: tokens.map(([id]) => id),
        tokenLogprobs: tokens.map(([, value]) => ({ value })),
        topLogprobs,
      })),
  ),
  { nil: undefined },
);

const tokenIds = (): Arbitrary<number[]> =>
  oneof(array(uint32(), { maxLength: 3 }), array(uint32(), { maxLength: 200 }));

const chunk: Arbitrary<GenerateStreamChunk> = tokenIds().chain((ids) =>
  record({
    tokenIds: constantFrom(ids),
    promptTokens: uint32(),
    completionTokens: uint32(),
    cachedTokens: uint32(),
    outputLogprobs: outputLogprobs(ids),
    inputLogprobs,
    index: integer({ min: 0, max: 200 }),
  }),
);

const complete: Arbitrary<GenerateComplete> = tokenIds().chain((ids) =>
  record({
    outputIds: constantFrom(ids),
    finishReason: constantFrom("stop", "length", "abort", "error", "repetition"),
    promptTokens: uint32(),
    completionTokens: uint32(),
    cachedTokens: uint32(),
    outputLogprobs: outputLogprobs(ids),
    inputLogprobs,
    index: integer({ min: 0, max: 200 }),
    kvTransferParams: option(record({ remoteHost: string(), remotePort: uint32() }), { nil: undefined }),
    matchedStop: oneof(
      constantFrom(undefined),
      uint32().map((value) => ({ $case: "matchedTokenId" as const, value })),
      string({ unit: "grapheme" }).map((value) => ({ $case: "matchedStopStr" as const, value })),
    ),
    kvTransferParamsJson: option(string({ unit: "grapheme" }), { nil: undefined }),
    specAcceptedTokens: uint32(),
    specDraftTokens: uint32(),
    mediaIdentity: constantFrom(undefined),
  }),
);

function expectedTop(
  top: OutputLogProbs["topLogprobs"],
  length: number,
): { ids: number[][]; values: number[][] } {
  const lists = top.length === 0 ? Array.from({ length }, () => ({ tokenIds: [], values: [] })) : top;
  return { ids: lists.map((list) => list.tokenIds), values: lists.map((list) => list.values) };
}

function expectOutput(decoder: ResponseDecoder, given: GenerateStreamChunk | GenerateComplete): void {
  const { output } = decoder;
  const ids = "tokenIds" in given ? given.tokenIds : given.outputIds;
  expect(Array.from(output.tokenIds.subarray(0, output.tokenCount))).toEqual(ids);
  expect(output).toMatchObject({
    index: given.index,
    promptTokens: given.promptTokens,
    cachedTokens: given.cachedTokens,
  });
  const { outputLogprobs: logprobs, inputLogprobs: prompt } = given;
  const top = expectedTop(logprobs?.topLogprobs ?? [], ids.length);
  expect(output.logprobs).toEqual(
    logprobs && { tokenLogprobs: logprobs.tokenLogprobs, topTokenIds: top.ids, topLogprobs: top.values },
  );
  const promptTop = expectedTop(prompt?.topLogprobs ?? [], prompt?.tokenIds.length ?? 0);
  expect(output.promptLogprobs).toEqual(
    prompt && {
      tokenIds: prompt.tokenIds,
      tokenLogprobs: prompt.tokenLogprobs.map(({ value }) => value),
      topTokenIds: promptTop.ids,
      topLogprobs: promptTop.values,
    },
  );
}

describe("ResponseDecoder", () => {
  const decoder = new ResponseDecoder();
  const decode = (message: GenerateResponse, offset: number): string => {
    const bytes = Buffer.concat([Buffer.alloc(offset, 0xff), GenerateResponse.encode(message).finish()]);
    return decoder.decode(Buffer.concat([bytes, Buffer.alloc(3, 0xff)]), offset, bytes.length);
  };

  it("reads chunks as the generated encoder writes them", () => {
    assert(
      property(chunk, integer({ min: 0, max: 9 }), (value, offset) => {
        expect(decode({ response: { $case: "chunk", value } }, offset)).toBe("chunk");
        expectOutput(decoder, value);
      }),
      RUNS,
    );
  });

  it("reads completes as the generated encoder writes them", () => {
    assert(
      property(complete, integer({ min: 0, max: 9 }), (value, offset) => {
        expect(decode({ response: { $case: "complete", value } }, offset)).toBe("complete");
        expectOutput(decoder, value);
        expect(decoder.finish).toMatchObject({
          reason: value.finishReason,
          matchedStop: value.matchedStop?.value,
          kvTransferParams: value.kvTransferParamsJson,
        });
      }),
      RUNS,
    );
  });

  it("reads any bytes or refuses them, and never reads beyond their end", () => {
    const mutated = tuple(
      oneof(chunk, complete),
      integer({ min: 0, max: 400 }),
      integer({ min: 0, max: 255 }),
      boolean(),
    );
    const response = (value: GenerateStreamChunk | GenerateComplete): GenerateResponse => ({
      response: "outputIds" in value ? { $case: "complete", value } : { $case: "chunk", value },
    });
    const bytes = oneof(
      uint8Array({ maxLength: 60 }),
      mutated.map(([value, at, byte, isCut]) => {
        const whole = GenerateResponse.encode(response(value)).finish();
        if (whole.length > 0) whole[at % whole.length] = byte;
        return isCut ? whole.subarray(0, at) : whole;
      }),
    );
    assert(
      property(bytes, (given) => {
        let failure: unknown;
        try {
          decoder.decode(Buffer.from(given), 0, given.length);
        } catch (error) {
          failure = error;
        }
        const isRefusal = failure instanceof EngineError && failure.code === "protocol";
        expect(failure === undefined || isRefusal).toBe(true);
      }),
      { ...RUNS, numRuns: 2000 },
    );
  });
});
