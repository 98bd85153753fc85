import type { Embedding, ProxyEngine, TokenEngine } from "@vllm-router/engine-client";
import type { AttemptOutcome } from "../observability/router-observer.ts";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";

/** A worker that was chosen and booked for one attempt. */
interface BookedWorker {
  /** The worker's URL. */
  readonly workerId: string;
  readonly rank: number | undefined;
  /** Why this worker, in the policy's words. */
  readonly reason: string;
  /** Instant at which the attempt fails; undefined for none. */
  readonly deadlineAtMs: number | undefined;
  /** The engine produced so many tokens; the first call says that the prompt has been computed. */
  output(tokens: number): void;
  /** The engine told how many tokens of the prompt it found in its cache; only the first call counts. */
  found?(cachedTokens: number): void;
  /** True when what failed was another engine that this one depended on: the worker may be asked again. */
  isSpared?(): boolean;
  /** Gives the place in the ledger back and tells the breaker. Exactly one call counts; further ones do nothing. */
  release(outcome: AttemptOutcome): void;
}

/** A booked worker of the token lane. */
export interface Placement extends BookedWorker {
  readonly engine: TokenEngine;
  /** Prompt tokens that were found in a cache, where the engine's own word is about something else; undefined for none. */
  readonly cachedTokens?: () => number | undefined;
}

/** A booked worker of the proxy lane. */
export interface ProxyPlacement extends BookedWorker {
  readonly engine: ProxyEngine;
}

/** A booked worker for one prompt of a model that pools. */
export interface EmbeddingPlacement extends BookedWorker {
  /** Embeds the prompt. @throws EngineError */
  embed(
    request: { readonly requestId: string; readonly tokenIds: Int32Array },
    options: EmbedOptions,
  ): Promise<Embedding>;
}

/** How one embedding call is made. */
export interface EmbedOptions {
  readonly signal: AbortSignal;
  readonly deadlineAtMs: number | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** Why nothing was chosen. */
export interface PlacementFailure {
  readonly code: "no_worker" | "unsupported_field" | "rank_out_of_range";
  /** For people: which workers there are and why none will do. */
  readonly message: string;
  /** Field that no worker can carry; with `unsupported_field` only. */
  readonly field: string | undefined;
}

/** Outcome of {@link Placer.place}. */
export type PlacementResult =
  | { readonly kind: "placed"; readonly placement: Placement }
  | { readonly kind: "not-placed"; readonly failure: PlacementFailure };

/** What is to be placed. */
export interface PlacementRequest {
  readonly plan: RequestPlan;
  readonly prompt: PreparedPrompt;
  /** Workers that already failed this generation. */
  readonly excludedWorkers: readonly string[];
  /** Sequences the engine will run. */
  readonly sequences: number;
}

/** Chooses a worker and books it, synchronously. */
export interface Placer {
  place(request: PlacementRequest): PlacementResult;
}
