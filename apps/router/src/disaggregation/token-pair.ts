import type {
  EngineCapabilities,
  EngineError,
  GenerateCall,
  GenerateRequest,
  GenerateSink,
  SamplingParameters,
  SequenceFinish,
  TokenEngine,
  TokenOutput,
} from "@vllm-router/engine-client";
import type { LegPlan } from "./connector.ts";
import { DecodeEar } from "./decode-ear.ts";
import type { PrefillAnswer, PrefillLeg } from "./pair-lane.ts";
import { PairRun, type PairRunOptions } from "./pair-run.ts";
import { prefillDeadline } from "./prefill-deadline.ts";

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
  #pair: PairRun<TokenEngine> | undefined;

  constructor(options: TokenPairOptions) {
    this.capabilities = options.engine.capabilities;
    this.#options = options;
  }

  /** True when it failed for want of a prefill engine: the decode engine is not to blame. */
  get isDecodeSpared(): boolean {
    return this.#pair?.isDecodeSpared === true;
  }

  generate(request: GenerateRequest, sink: GenerateSink): GenerateCall {
    const options = this.#options;
    const pair: PairRun<TokenEngine> = new PairRun<TokenEngine>({
      ...options,
      requestId: request.requestId,
      lane: {
        prefill: (leg, plan, answered) => prefill({ request, leg, plan, options }, answered),
        decode: (requestId, params, instead) => {
          if (pair.cachedTokens !== undefined) {
            options.found(pair.cachedTokens);
          }
          return (instead ?? options.engine).generate(
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
    this.#pair = pair;
    pair.start(options.first);
    return pair;
  }
}

/** The decode leg's messages on their way to the attempt. */
class DecodeSink implements GenerateSink {
  readonly #ear: DecodeEar;
  readonly #sink: GenerateSink;
  /** Outputs without a token, one of a sequence at most: an engine that lacks the blocks says that much before its error. */
  readonly #held: TokenOutput[] = [];

  constructor(pair: PairRun<TokenEngine>, sink: GenerateSink) {
    this.#ear = new DecodeEar(pair, sink);
    this.#sink = sink;
  }

  output(output: TokenOutput): void {
    const ear = this.#ear;
    if (ear.isWaiting && output.tokenCount === 0 && !this.#held.some(({ index }) => index === output.index)) {
      this.#held.push({ ...output });
      return;
    }
    if (output.tokenCount === 0 ? ear.isTold : ear.heard()) {
      this.#tellHeld();
      this.#sink.output(output);
    }
  }

  finish(index: number, finish: SequenceFinish): void {
    const ear = this.#ear;
    const isWell = finish.reason !== "error";
    if (!isWell && ear.failed()) {
      return;
    }
    if (ear.heard(isWell)) {
      this.#tellHeld();
      if (ear.isTold) {
        this.#sink.finish(index, finish);
      }
    }
  }

  flush(isLast?: boolean): void {
    if (this.#ear.isTold && !this.#ear.isWaiting) {
      this.#sink.flush(isLast);
    }
  }

  end(): void {
    this.#ear.end();
  }

  error(error: EngineError): void {
    this.#ear.error(error);
  }

  #tellHeld(): void {
    if (this.#held.length > 0) {
      for (const output of this.#held.splice(0)) {
        this.#sink.output(output);
      }
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
  const deadline = prefillDeadline(options, request.deadlineAtMs);
  let params: string | undefined;
  let cachedTokens: number | undefined;
  const call = leg.engine.generate(
    {
      ...request,
      requestId: plan.requestId,
      sampling: prefillSampling(request.sampling),
      stream: false,
      deadlineAtMs: deadline.atMs,
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
      error: (error) => answered({ kind: "failed", error: deadline.read(error) }),
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
