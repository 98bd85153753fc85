import type { PreparedPrompt } from "./plan.ts";

/** How far a sequence has come. */
export interface SequenceProgress {
  /** Output tokens so far. */
  readonly tokenCount: number;
  /** Reason told to the client; undefined while running. */
  readonly finishReason: string | undefined;
}

/** Whatever makes the answers to one prompt of a request, by one engine call or many. */
export interface GenerationUnit {
  readonly promptIndex: number;
  readonly prompt: PreparedPrompt;
  readonly sequences: readonly SequenceProgress[];
  /** Workers that were tried. */
  readonly workersUsed: readonly string[];
  /** Attempts made so far. */
  readonly attempts: number;
  /** Why the last decision placed it where it did. */
  readonly placementReason: string;
  /** Prompt tokens that the engine found in its cache; undefined where engines do not say, or before the first output. */
  readonly cachedTokens: number | undefined;
  /** What the KV connector returned, as JSON text; undefined where there is none. */
  readonly kvTransferParams: string | undefined;
  /** Starts it. May report failure at once. */
  start(): void;
  /** Ends all of its work silently. */
  cancel(): void;
  /** Somebody asked for its end: what has not finished finishes now, with the reason `abort`. */
  abort(): void;
  pause(): void;
  resume(): void;
}
