import {
  EngineError,
  type EngineCapabilities,
  type GenerateCall,
  type GenerateRequest,
  type GenerateSink,
  type SamplingParameters,
  type SequenceFinish,
  type TokenEngine,
  type TokenOutput,
} from "@vllm-router/engine-client";
import type { LegPlan } from "./connector.ts";
import { PairRun, type PairRunOptions, type PrefillAnswer, type PrefillLeg } from "./pair-run.ts";

/** What a pair of engines is made of on the token lane. */
export interface TokenPairOptions extends Omit<PairRunOptions<TokenEngine>, "lane" | "requestId"> {
  readonly engine: TokenEngine;
  readonly first: PrefillLeg<TokenEngine>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time of a prefill leg, milliseconds. */
  readonly prefillTimeoutMs: number;
  /** Prompt tokens that the prefill engine found in its cache. */
  readonly found: (cachedTokens: number) => void;
}

/** Two engines that look like one: the prompt is computed on another engine than the one that generates. */
export class TokenPair implements TokenEngine {
  readonly capabilities: EngineCapabilities;
  readonly #options: TokenPairOptions;

  constructor(options: TokenPairOptions) {
    this.capabilities = options.engine.capabilities;
    this.#options = options;
  }

  generate(request: GenerateRequest, sink: GenerateSink): GenerateCall {
    const options = this.#options;
    const pair: PairRun<TokenEngine> = new PairRun<TokenEngine>({
      ...options,
      requestId: request.requestId,
      lane: {
        prefill: (leg, plan, answered) => prefill({ request, leg, plan, options }, answered),
        decode: (requestId, params) => {
          if (pair.cachedTokens !== undefined) {
            options.found(pair.cachedTokens);
          }
          return options.engine.generate(
            {
              ...request,
              requestId: requestId ?? `${request.requestId}-d`,
              ...(params === undefined ? {} : { kvTransferParams: params }),
            },
            new DecodeSink(pair, sink),
          );
        },
        fail: (error) => sink.error(error),
      },
    });
    pair.start(options.first);
    return pair;
  }
}

/** The decode leg's messages on their way to the attempt, which hears nothing any more once it has cancelled. */
class DecodeSink implements GenerateSink {
  readonly #pair: PairRun<TokenEngine>;
  readonly #sink: GenerateSink;

  constructor(pair: PairRun<TokenEngine>, sink: GenerateSink) {
    this.#pair = pair;
    this.#sink = sink;
  }

  output(output: TokenOutput): void {
    this.#pair.decodeHeard();
    if (!this.#pair.isOver) {
      this.#sink.output(output);
    }
  }

  finish(index: number, finish: SequenceFinish): void {
    this.#pair.decodeHeard();
    if (!this.#pair.isOver) {
      this.#sink.finish(index, finish);
    }
  }

  flush(isLast?: boolean): void {
    if (!this.#pair.isOver) {
      this.#sink.flush(isLast);
    }
  }

  end(): void {
    const { isOver } = this.#pair;
    this.#pair.decodeEnded();
    if (!isOver) {
      this.#sink.end();
    }
  }

  error(error: EngineError): void {
    const { isOver } = this.#pair;
    this.#pair.decodeEnded();
    if (!isOver) {
      this.#sink.error(error);
    }
  }
}

function prefill(
  context: {
    readonly request: GenerateRequest;
    readonly leg: PrefillLeg<TokenEngine>;
    readonly plan: LegPlan;
    readonly options: TokenPairOptions;
  },
  answered: (answer: PrefillAnswer) => void,
): () => void {
  const { request, leg, plan, options } = context;
  const latestAtMs = options.now() + options.prefillTimeoutMs;
  const isCutShort = request.deadlineAtMs !== undefined && request.deadlineAtMs <= latestAtMs;
  let params: string | undefined;
  let cachedTokens: number | undefined;
  const call = leg.engine.generate(
    {
      ...request,
      requestId: plan.requestId,
      sampling: prefillSampling(request.sampling),
      stream: false,
      deadlineAtMs: isCutShort ? request.deadlineAtMs : latestAtMs,
      rank: leg.worker.rank,
      kvTransferParams: plan.prefillParams,
    },
    {
      output: (output) => {
        if (leg.engine.capabilities.reportsCachedTokens) {
          cachedTokens = output.cachedTokens;
        }
      },
      finish: (_index, finish) => {
        params = finish.kvTransferParams ?? params;
      },
      flush: () => undefined,
      end: () => answered({ kind: "answered", params, cachedTokens }),
      error: (error) => {
        const isSlow = error.code === "deadline_exceeded" && !isCutShort;
        answered({
          kind: "failed",
          error: isSlow
            ? new EngineError("unavailable", "the prefill engine took too long", { cause: error })
            : error,
        });
      },
    },
  );
  return () => call.cancel();
}

/** One token that nobody reads: what matters are the blocks. An end by length is what Mooncake keeps blocks for. */
function prefillSampling(sampling: SamplingParameters): SamplingParameters {
  return {
    ...sampling,
    maxTokens: 1,
    minTokens: 0,
    n: 1,
    stop: [],
    stopTokenIds: [],
    ignoreEos: true,
    logprobs: undefined,
    promptLogprobs: undefined,
    logitBias: undefined,
    structuredOutput: undefined,
    grammarFromFirstToken: false,
    allowedTokenIds: undefined,
    logprobTokenIds: undefined,
  };
}
