import type { ApiError } from "./api-error.ts";
import type { RequestMetrics } from "./response/request-metrics.ts";

/** What every chunk and body of one response repeats. */
export interface ResponseIdentity {
  /** `chatcmpl-…` or `cmpl-…`, already complete. */
  readonly id: string;
  /** Unix seconds; one value per response. */
  readonly created: number;
  /** First served name of the model, not the alias asked for. */
  readonly model: string;
  readonly systemFingerprint: string | null;
}

/** Server settings that shape responses (flags of `vllm serve`). */
export interface WriterSettings {
  /** `--response-role`. */
  readonly responseRole: string;
  /** `--enable-prompt-tokens-details`. */
  readonly promptTokensDetails: boolean;
  /** `--enable-force-include-usage`. */
  readonly forceIncludeUsage: boolean;
  /** `--return-tokens-as-token-ids`, overridden by the request. */
  readonly returnTokensAsTokenIds: boolean;
}

/** One token with its logprob, decoded. */
export interface TokenLogprob {
  readonly tokenId: number;
  /** Decoded text of the token as vLLM reports it. */
  readonly token: string;
  readonly logprob: number;
}

/** Logprobs of one output position: the sampled token and the alternatives in the engine's order (sampled first, then by rank). */
export interface PositionLogprobs extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
  /**
   * True for a token of a beam, which was one of several proposals: the alternatives then keep the engine's order, and
   * vLLM gives the token no bytes.
   */
  readonly isProposal?: boolean;
}

/** Logprobs of one prompt position; the first position of a prompt is null. */
export interface PromptPositionLogprobs extends PositionLogprobs {
  /** Rank of the prompt's own token; null where it is not known, and then taken to be below the alternatives. */
  readonly rank: number | null;
}

/** What is known of one prompt before its first output. */
export interface PromptInfo {
  readonly tokenIds: ArrayLike<number>;
  /** Text of the prompt as it is echoed; undefined where nothing asks for it. */
  readonly text: string | undefined;
  /** One entry a prompt token, the first null; undefined when not asked for. */
  readonly logprobs: readonly (PromptPositionLogprobs | null)[] | undefined;
  /** Decoded text of the first prompt token, which has no logprob entry; only completions that echo logprobs show it. */
  readonly firstTokenText?: string | undefined;
}

/** One engine output of one choice, in text. The object is reused by the caller: copy what you keep. */
export interface ChoiceOutput {
  /** Text released by this output; may be empty. */
  readonly text: string;
  /** Token ids of this output in `tokenIds[0..tokenCount)`. */
  readonly tokenIds: ArrayLike<number>;
  readonly tokenCount: number;
  /** One entry a token; undefined when logprobs were not asked for. */
  readonly logprobs: readonly PositionLogprobs[] | undefined;
}

/** Why a choice ended. */
export interface ChoiceFinish {
  /** As the API says it: `stop`, `length`, `abort`, `repetition` … */
  readonly reason: string;
  /** Stop string, stop token id, or null. */
  readonly stopReason: string | number | null;
}

/** Counts at the end of a response; writers count completion tokens themselves. */
export interface ResponseUsage {
  /** Prompt tokens, every prompt counted once. */
  readonly promptTokens: number;
  /** Prompt tokens the engine found in its prefix cache; undefined when unknown. */
  readonly cachedTokens: number | undefined;
  /** JSON text of the KV connector's answer, non-stream bodies only. */
  readonly kvTransferParams: string | undefined;
  /** Undefined where they are not shown, or belong to no single sequence. */
  readonly metrics?: RequestMetrics | undefined;
}

/**
 * Renders one response. Two implementations per API share this interface: one streams (each call returns the SSE text to
 * send now), one collects (every call returns "" but the last, which returns the JSON body). Choices are numbered
 * `prompt * n + sequence`.
 */
export interface ResponseWriter {
  /** Content type of the whole answer. */
  readonly contentType: string;
  /**
   * True while what {@link output} gave last is known to be ASCII, so that its length is its size: nobody has to look at
   * text that mostly repeats itself. Where it is missing or false nothing is known.
   */
  readonly isAscii?: boolean;
  /** Tells the writer about a prompt; called once per prompt before that prompt's first output. */
  prompt(promptIndex: number, prompt: PromptInfo): void;
  /**
   * One engine output. `finish` is given with the last output of the choice, so that the reason travels in the same chunk
   * as the last text, as vLLM does it. The text is written straight after `data: ` prefixes built once per response.
   */
  output(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string;
  /** After the last choice finished: usage and `[DONE]`, or the whole body. */
  end(usage: ResponseUsage): string;
  /** A failure after the response began: an error event and `[DONE]`. Collecting writers throw the error instead. */
  error(error: ApiError): string;
}
