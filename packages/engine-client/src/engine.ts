import type { Duplex } from "node:stream";
import type { EngineError } from "./engine-error.ts";

/**
 * Request fields that not every dialect can carry. The names are those of vLLM's HTTP API, so that a refusal can name
 * the field the client sent. The list is closed: a new field is added here first, then to each dialect. `seed` stands for
 * one beyond 32 bits, `n` for more than one sequence a call, {@link CONSTRAINT_START_FIELDS} for a constraint that would start
 * elsewhere without them.
 */
export const OPTIONAL_FIELDS = [
  "allowed_token_ids",
  "bad_words",
  "cache_salt",
  "chat_template_kwargs",
  "ec_transfer_params",
  "include_reasoning",
  "kv_transfer_params",
  "logit_bias",
  "logprob_token_ids",
  "lora",
  "n",
  "priority",
  "prompt_embeds",
  "prompt_logprobs_ranks",
  "reasoning_ended",
  "reasoning_parser_kwargs",
  "seed",
  "session_id",
  "structured_outputs",
  "structured_outputs.disable_any_whitespace",
  "thinking_token_budget",
  "use_activation",
  "vllm_xargs",
] as const;

/** One of {@link OPTIONAL_FIELDS}. */
export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

/**
 * Fields by which vLLM's server knows better than the engine's own reasoning parser where a constraint starts. They matter
 * to engines alone that hold constraints back until a thought has ended.
 */
export const CONSTRAINT_START_FIELDS = [
  "chat_template_kwargs",
  "include_reasoning",
  "reasoning_ended",
  "reasoning_parser_kwargs",
] as const satisfies readonly OptionalField[];

/** One of {@link CONSTRAINT_START_FIELDS}. */
export type ConstraintStartField = (typeof CONSTRAINT_START_FIELDS)[number];

/** The protocols an engine may speak. */
export type EngineDialect = "vllm-engine" | "vllm-inference" | "http";

/** What a dialect can express. The router re-routes or refuses the rest; nothing is ever dropped. */
export interface EngineCapabilities {
  readonly dialect: EngineDialect;
  /** Fields this dialect has no place for. */
  readonly unsupportedFields: ReadonlySet<OptionalField>;
  /** True when one call may return several sequences (`n` > 1); otherwise the router fans out. */
  readonly severalSequences: boolean;
  /** True when the engine reports how many prompt tokens came from its prefix cache. */
  readonly reportsCachedTokens: boolean;
}

/** The constraint an output has to satisfy; at most one per generation. */
export type StructuredOutput =
  | { readonly kind: "json-schema"; readonly schema: string }
  | { readonly kind: "json-object" }
  | { readonly kind: "regex"; readonly pattern: string }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "grammar"; readonly grammar: string }
  | { readonly kind: "structural-tag"; readonly tag: string };

/**
 * Sampling parameters with every default already applied (vLLM's generation_config included): an engine gets explicit
 * numbers, never "unset", because the dialects disagree about what unset means.
 */
export interface SamplingParameters {
  /** 0 is greedy. */
  readonly temperature: number;
  /** In (0, 1]. */
  readonly topP: number;
  /** 0 disables. */
  readonly topK: number;
  readonly minP: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Greater than 0; 1 is neutral. */
  readonly repetitionPenalty: number;
  /** Output tokens at most; always set. */
  readonly maxTokens: number;
  readonly minTokens: number;
  /** Stop strings; the router's own matcher is the authority, the engine stops early by the same strings. */
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  readonly skipSpecialTokens: boolean;
  readonly spacesBetweenSpecialTokens: boolean;
  readonly includeStopStringInOutput: boolean;
  /** Sequences wanted from this call, at least 1. */
  readonly n: number;
  readonly seed: number | undefined;
  /** Alternatives per output token; undefined for none, 0 for the sampled token alone. */
  readonly logprobs: number | undefined;
  /** Alternatives per prompt token; undefined for none. */
  readonly promptLogprobs: number | undefined;
  readonly logitBias: ReadonlyMap<number, number> | undefined;
  readonly structuredOutput: StructuredOutput | undefined;
  /** The constraint holds from the first token, also where the engine's own reasoning parser would let it wait; false by default. */
  readonly grammarFromFirstToken?: boolean;
  /** The only tokens that may be sampled; undefined for all. */
  readonly allowedTokenIds?: readonly number[] | undefined;
  /** Tokens whose logprobs are reported beside the sampled one, instead of the best {@link logprobs}. */
  readonly logprobTokenIds?: readonly number[] | undefined;
}

/** One generation as an engine needs it. */
export interface GenerateRequest {
  readonly requestId: string;
  /** Prompt token ids. Not copied: leave them alone until the call ends. */
  readonly tokenIds: Int32Array;
  /** Undefined for a prompt that is not expected again. */
  readonly recurring?: RecurringPrompt | undefined;
  readonly sampling: SamplingParameters;
  /** True for outputs as they come, false for one output per sequence with everything in it. */
  readonly stream: boolean;
  /** Instant (milliseconds since the epoch) at which the call fails with `deadline_exceeded`; undefined for none. */
  readonly deadlineAtMs: number | undefined;
  /** Data-parallel rank; undefined lets the engine choose. */
  readonly rank: number | undefined;
  /** JSON text handed to the KV connector as it is. */
  readonly kvTransferParams: string | undefined;
  /** JSON text handed to the encoder-cache connector as it is. */
  readonly ecTransferParams?: string | undefined;
  /** Lower is served first by an engine that schedules by priority; default 0. */
  readonly priority?: number | undefined;
  /** Keeps the prompt's blocks apart from those of other salts in the prefix cache. */
  readonly cacheSalt?: string | undefined;
  /** Names the conversation to the engine's scheduler. */
  readonly sessionId?: string | undefined;
  /** Name of the LoRA adapter to run with. */
  readonly loraName?: string | undefined;
  /** Call metadata such as `traceparent`; lower-case names. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/**
 * Says that a prompt comes again as the beginning of longer ones, as a conversation does: what is made of its ids is kept as long as the array of
 * them lives, and what an earlier prompt shares is not made again.
 */
export interface RecurringPrompt {
  /** Ids of an earlier prompt that was given as recurring (the very array), which this one begins like; undefined for none. */
  readonly earlier: Int32Array | undefined;
  /** How many ids the two share at the least; 0 where there is no earlier one. */
  readonly shared: number;
}

/** Logprobs of the tokens of one output, parallel to its ids. */
export interface OutputLogprobs {
  readonly tokenLogprobs: readonly number[];
  /** Per token, the alternatives in the engine's order: sampled token first, then by rank. */
  readonly topTokenIds: readonly (readonly number[])[];
  readonly topLogprobs: readonly (readonly number[])[];
}

/** Logprobs of the prompt tokens; the first token has none (`undefined`). */
export interface PromptLogprobs {
  readonly tokenIds: readonly number[];
  readonly tokenLogprobs: readonly (number | undefined)[];
  /** Per token, the alternatives: the token itself first, then by rank. */
  readonly topTokenIds: readonly (readonly number[])[];
  readonly topLogprobs: readonly (readonly number[])[];
  /** Per token, its place among the whole vocabulary, from 1; 0 for the first. Undefined where the dialect does not say. */
  readonly ranks?: readonly number[] | undefined;
}

/** One engine message for one sequence. The object and its arrays are reused: copy what you keep. */
export interface TokenOutput {
  /** Sequence within the call, 0-based. */
  readonly index: number;
  /** New token ids in `tokenIds[0..tokenCount)`; the array may be longer. */
  readonly tokenIds: ArrayLike<number>;
  readonly tokenCount: number;
  readonly logprobs: OutputLogprobs | undefined;
  /** Only with the first output of a sequence, when asked for. */
  readonly promptLogprobs: PromptLogprobs | undefined;
  /** Prompt length as the engine counts it. */
  readonly promptTokens: number;
  /** Prompt tokens found in the engine's prefix cache; 0 when unknown. */
  readonly cachedTokens: number;
}

/** Why the engine ended a sequence. `error` must become an error to the client. */
export type EngineFinishReason = "stop" | "length" | "abort" | "error" | "repetition";

/** The end of one sequence. Reused like {@link TokenOutput}. */
export interface SequenceFinish {
  readonly reason: EngineFinishReason;
  /** The stop token id or stop string that matched; undefined for end of sequence and length. */
  readonly matchedStop: number | string | undefined;
  /** JSON text returned by the KV connector. */
  readonly kvTransferParams: string | undefined;
}

/**
 * Receives one call's messages, synchronously, on the transport's own turn.
 * Never called inside `generate()`; silent after `cancel()`; exactly one of `end` and `error`, exactly once, last.
 */
export interface GenerateSink {
  /** One engine message. May call `cancel()`. */
  output(output: TokenOutput): void;
  /** Once per sequence, after its last output. */
  finish(index: number, finish: SequenceFinish): void;
  /**
   * Before the transport gives control back to the event loop, once per turn that had output or finish: write now. Or with
   * {@link GenerateSink.end}, which follows at once when `isLast` (default false).
   */
  flush(isLast?: boolean): void;
  /** The call ended well, after the last finish and flush. */
  end(): void;
  /** The call failed; nothing follows. */
  error(error: EngineError): void;
}

/** Handle of a running call. All methods are idempotent and legal inside the sink's methods. */
export interface GenerateCall {
  /** Ends the engine's work; the sink hears nothing more, not even this call's end. */
  cancel(): void;
  /**
   * Nothing but `error` reaches the sink until {@link GenerateCall.resume}; an error overtakes what is held back, which is
   * then dropped. Held are at most the stream's window and one read buffer.
   */
  pause(): void;
  resume(): void;
}

/** An engine that takes token ids and gives token ids (gRPC dialects). */
export interface TokenEngine {
  readonly capabilities: EngineCapabilities;
  generate(request: GenerateRequest, sink: GenerateSink): GenerateCall;
}

/** A body that is passed on while it is still being received. */
export interface StreamedBody {
  /** Its length in bytes where the client said it; undefined for one sent in chunks. */
  readonly lengthBytes: number | undefined;
  /** Its bytes from the beginning, for one forward. What it throws fails the call as a lost connection. */
  open(): AsyncIterable<Uint8Array>;
}

/** An HTTP request passed on as it is. */
export interface ProxyRequest {
  readonly method: string;
  /** Path with query string. */
  readonly path: string;
  /** Name, value, name, value …, as received, without hop-by-hop headers. */
  readonly headers: readonly string[];
  /** Bytes, or a stream of them; a request with a stream is sent once and never again. */
  readonly body: Uint8Array | StreamedBody | undefined;
  /** As in {@link GenerateRequest}. */
  readonly deadlineAtMs: number | undefined;
}

/** Head of a worker's answer. */
export interface ProxyHead {
  readonly status: number;
  /** Name, value, name, value …, without hop-by-hop headers. */
  readonly headers: readonly string[];
}

/** Whole chunks of HTTP/1.1 in `bytes[start, end)`, each with its size, its two line ends and no extension; none is the last one. */
export interface WholeChunks {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Bytes of the body that are in them. */
  readonly contentBytes: number;
}

/** Receives one proxied answer; same rules as {@link GenerateSink}. */
export interface ProxySink {
  head(head: ProxyHead): void;
  /** Bytes of the body; valid only during the call. */
  data(bytes: Uint8Array): void;
  /** True where `chunks` may be told instead of `data`; asked before each. */
  readonly takesChunks?: boolean;
  /** Part of the body with the framing that the worker gave it; valid only during the call, the object too. */
  chunks?(chunks: WholeChunks): void;
  flush(): void;
  end(): void;
  error(error: EngineError): void;
}

/** Receives the answer to a request for another protocol (WebSocket). Exactly one of its methods is called, once. */
export interface UpgradeSink {
  /**
   * The engine speaks the other protocol from now on, over `stream`, which is the sink's to read, write and end.
   * `first` is what came of it already.
   */
  accepted(head: ProxyHead, stream: Duplex, first: Uint8Array): void;
  /** The engine answered as to any other request. */
  refused(head: ProxyHead, body: Uint8Array): void;
  error(error: EngineError): void;
}

/** An engine that speaks vLLM's HTTP API (`vllm serve`). */
export interface ProxyEngine {
  readonly capabilities: EngineCapabilities;
  forward(request: ProxyRequest, sink: ProxySink): GenerateCall;
  /**
   * Passes on a request for another protocol; its body is not looked at.
   * @returns the cancellation: the sink hears nothing more; without effect once it has heard something
   */
  upgrade(request: ProxyRequest, sink: UpgradeSink): () => void;
}
