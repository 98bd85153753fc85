import type { EngineErrorCode, PackedKvBatch } from "@vllm-router/engine-client/kv";
import type { KvPublisher } from "./kv-transport.ts";

/** What the owner of the index asks of the thread. Ids are the owner's. */
export type ToKvThread =
  | ({ readonly kind: "listen"; readonly id: number } & KvPublisher)
  | { readonly kind: "replay"; readonly id: number; readonly address: string; readonly from: number }
  | { readonly kind: "stop"; readonly id: number }
  /** So many words of what was told have been taken in. */
  | { readonly kind: "taken"; readonly words: number };

/** A failure, on its way between threads. */
export interface ToldError {
  readonly code: EngineErrorCode;
  readonly message: string;
}

/** What the thread tells about one of its listenings. */
export type KvThreadNews =
  | { readonly kind: "connected"; readonly id: number }
  | { readonly kind: "batch"; readonly id: number; readonly batch: PackedKvBatch }
  | { readonly kind: "malformed"; readonly id: number; readonly error: ToldError }
  | { readonly kind: "end"; readonly id: number; readonly error: ToldError | undefined };

/** News of one turn of the thread, in order. */
export type FromKvThread = readonly KvThreadNews[];

/** Words that are on their way to the owner at most, 16 MB; beyond it publishers are not read until half is taken in. */
export const MOST_WORDS_ON_THE_WAY = 4 * 1024 * 1024;
