import type { GenerateRequest, SamplingParameters } from "../src/index.ts";

/** A plain request; override what a test is about. */
export function sampleRequest(
  overrides: Partial<Omit<GenerateRequest, "sampling">> & {
    readonly sampling?: Partial<SamplingParameters>;
  } = {},
): GenerateRequest {
  const { sampling, ...rest } = overrides;
  return {
    requestId: "request-1",
    tokenIds: Int32Array.of(1, 2, 3),
    stream: true,
    deadlineAtMs: undefined,
    rank: undefined,
    kvTransferParams: undefined,
    metadata: undefined,
    ...rest,
    sampling: {
      temperature: 0,
      topP: 1,
      topK: 0,
      minP: 0,
      frequencyPenalty: 0,
      presencePenalty: 0,
      repetitionPenalty: 1,
      maxTokens: 16,
      minTokens: 0,
      stop: [],
      stopTokenIds: [],
      ignoreEos: false,
      skipSpecialTokens: true,
      spacesBetweenSpecialTokens: true,
      includeStopStringInOutput: false,
      n: 1,
      seed: undefined,
      logprobs: undefined,
      promptLogprobs: undefined,
      logitBias: undefined,
      structuredOutput: undefined,
      ...sampling,
    },
  };
}
