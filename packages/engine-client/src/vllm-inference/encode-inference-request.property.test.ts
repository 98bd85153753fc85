import {
  type DecodingParameters,
  InferenceGenerateRequest,
  type ResponseOptions,
} from "@vllm-router/proto/messages";
import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  dictionary,
  double,
  float,
  integer,
  jsonValue,
  maxSafeInteger,
  oneof,
  option,
  property,
  record,
  string,
  tuple,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleRequest } from "../../test/sample-request.ts";
import type { GenerateRequest, SamplingParameters, StructuredOutput } from "../engine.ts";
import { encodeInferenceRequest, NO_MIN_P, NO_TOP_K } from "./encode-inference-request.ts";

const RUNS = { numRuns: 300, seed: 20_260_103 };

// Minus zero is sent as zero, which means the same to an engine.
const float32 = (): Arbitrary<number> =>
  float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const uint32 = (): Arbitrary<number> => integer({ min: 0, max: 0xffff_ffff });
const text = (): Arbitrary<string> => string({ unit: "grapheme", maxLength: 40 });
const optional = <T>(inner: Arbitrary<T>): Arbitrary<T | undefined> => option(inner, { nil: undefined });
const ids = (): Arbitrary<number[]> => array(uint32(), { maxLength: 4 });
const count = (): Arbitrary<number | undefined> => optional(integer({ min: -1, max: 20 }));

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
  stopTokenIds: ids(),
  ignoreEos: boolean(),
  skipSpecialTokens: boolean(),
  spacesBetweenSpecialTokens: boolean(),
  includeStopStringInOutput: boolean(),
  n: constantFrom(1),
  seed: optional(oneof(maxSafeInteger(), integer({ min: -200, max: 200 }))),
  logprobs: count(),
  promptLogprobs: count(),
  logitBias: optional(array(tuple(uint32(), float32()), { maxLength: 5 }).map((entries) => new Map(entries))),
  structuredOutput: optional(structuredOutput),
  allowedTokenIds: optional(ids()),
  logprobTokenIds: optional(array(uint32(), { minLength: 1, maxLength: 4 })),
});

const struct: Arbitrary<string> = dictionary(
  string({ unit: "grapheme-ascii", maxLength: 8 }).filter((key) => key !== "__proto__"),
  oneof(constantFrom(null), boolean(), double({ noNaN: true, noDefaultInfinity: true }), text()),
).map((value) => JSON.stringify(value));

const request: Arbitrary<GenerateRequest> = record({
  requestId: text(),
  tokenIds: array(integer({ min: 0, max: 300_000 }), { maxLength: 400 }).map((list) => Int32Array.from(list)),
  sampling,
  stream: boolean(),
  deadlineAtMs: constantFrom(undefined),
  rank: constantFrom(undefined),
  kvTransferParams: optional(struct),
  ecTransferParams: optional(struct),
  priority: optional(integer({ min: -0x8000_0000, max: 0x7fff_ffff })),
  cacheSalt: optional(text()),
  sessionId: optional(text()),
  loraName: optional(text()),
  metadata: constantFrom(undefined),
});

function constraintOf(output: StructuredOutput): DecodingParameters["structuredOutput"] {
  switch (output.kind) {
    case "json-schema":
      return { $case: "json", value: output.schema };
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

function candidates(wanted: number | undefined): ResponseOptions["outputCandidates"] {
  if (wanted === undefined || wanted === 0) return undefined;
  return { select: wanted < 0 ? { $case: "all", value: true } : { $case: "topN", value: wanted } };
}

/** The same request for the generated encoder. */
function messageOf(from: GenerateRequest): InferenceGenerateRequest {
  const { sampling: given } = from;
  const hasCache =
    (from.cacheSalt ?? "") !== "" ||
    from.kvTransferParams !== undefined ||
    from.ecTransferParams !== undefined;
  return InferenceGenerateRequest.fromPartial({
    requestId: from.requestId,
    prompt: { $case: "tokenIds", value: { ids: [...from.tokenIds] } },
    temperature: given.temperature,
    sampling: {
      topK: given.topK > 0 ? given.topK : NO_TOP_K,
      topP: given.topP,
      minP: given.minP === 0 ? NO_MIN_P : given.minP,
      seed: given.seed === undefined ? undefined : BigInt(given.seed),
    },
    decoding: {
      presencePenalty: given.presencePenalty,
      frequencyPenalty: given.frequencyPenalty,
      repetitionPenalty: given.repetitionPenalty,
      logitBias: Object.fromEntries(given.logitBias ?? []),
      allowedTokenIds: [...(given.allowedTokenIds ?? [])],
      structuredOutput:
        given.structuredOutput === undefined ? undefined : constraintOf(given.structuredOutput),
    },
    stopping: {
      maxNewTokens: given.maxTokens,
      minNewTokens: given.minTokens,
      stopTokenIds: [...given.stopTokenIds],
      stopStrings: [...given.stop],
      includeStopStrings: given.includeStopStringInOutput,
      ignoreEos: given.ignoreEos,
    },
    response: {
      promptTokenIds: given.promptLogprobs !== undefined,
      promptLogprobs: given.promptLogprobs !== undefined,
      promptCandidates: candidates(given.promptLogprobs),
      outputText: false,
      outputTokenIds: true,
      outputLogprobs: given.logprobs !== undefined || given.logprobTokenIds !== undefined,
      outputCandidates:
        given.logprobTokenIds === undefined
          ? candidates(given.logprobs)
          : { select: { $case: "tokenIds", value: { ids: [...given.logprobTokenIds] } } },
      skipSpecialTokens: given.skipSpecialTokens,
    },
    kv: hasCache
      ? {
          cacheSalt: from.cacheSalt ?? "",
          kvTransferParams: parsed(from.kvTransferParams),
          ecTransferParams: parsed(from.ecTransferParams),
        }
      : undefined,
    priority: from.priority ?? 0,
    sessionId: from.sessionId ?? "",
    loraName: from.loraName ?? "",
  });
}

function parsed(json: string | undefined): Record<string, unknown> | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>);
}

describe("encodeInferenceRequest()", () => {
  it("says the same as the generated encoder", () => {
    assert(
      property(request, (given) => {
        const frame = encodeInferenceRequest(given);
        expect(frame[0]).toBe(0);
        expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
        const expected = InferenceGenerateRequest.encode(messageOf(given)).finish();
        expect(InferenceGenerateRequest.decode(frame.subarray(5))).toEqual(
          InferenceGenerateRequest.decode(expected),
        );
      }),
      RUNS,
    );
  });

  it("leaves nothing to the engine's defaults that 0 would leave to them", () => {
    const sent = InferenceGenerateRequest.decode(encodeInferenceRequest(sampleRequest()).subarray(5));
    expect(sent.temperature).toBe(0);
    expect(sent.sampling).toMatchObject({ topK: NO_TOP_K, topP: 1, minP: Math.fround(NO_MIN_P) });
    expect(sent.response).toMatchObject({ outputText: false, outputTokenIds: true, skipSpecialTokens: true });
  });

  it("carries nested connector parameters", () => {
    assert(
      property(array(jsonValue({ maxDepth: 4 }), { maxLength: 3 }), (values) => {
        const json = JSON.stringify({ values });
        const sent = InferenceGenerateRequest.decode(
          encodeInferenceRequest(sampleRequest({ kvTransferParams: json })).subarray(5),
        );
        expect(JSON.stringify(sent.kv?.kvTransferParams)).toBe(JSON.stringify(JSON.parse(json)));
      }),
      RUNS,
    );
  });
});
