/**
 * Where an engine keeps a block. The order is that of access: what is on the device costs nothing, what is in the host's
 * memory has to be copied, what is in storage has to be read.
 */
export type KvMedium = "device" | "host" | "storage";

/** An engine's hashes of blocks: two words each, low then high. Handles and nothing more: their meaning is the engine's own. */
export type EngineHashes = Int32Array;

/** Something beside the tokens that went into a block's hash; anything but a LoRA name or a cache salt is only compared. */
export type KvExtraKey = string;

/** Blocks that are cached from now on, one after another in their prompt. */
export interface KvBlocksStored {
  readonly kind: "stored";
  readonly hashes: EngineHashes;
  /** Hash of the block before the first of these; missing at the start of a prompt. */
  readonly parent?: EngineHashes | undefined;
  /** Tokens of all blocks together; empty when the event only says that known blocks are kept in another medium too. */
  readonly tokenIds: Int32Array;
  readonly medium: KvMedium;
  readonly loraName?: string | undefined;
  /** The salt of the prompt, where the source says it by name. */
  readonly cacheSalt?: string | undefined;
  /** Per block, as vLLM orders them: LoRA name, media, cache salt (first block of a prompt), embeddings. */
  readonly extraKeys?: readonly (readonly KvExtraKey[] | null)[] | undefined;
  /** Group of layers with caches of their own, in hybrid models. */
  readonly group?: number | undefined;
  /** What the group's layers do; see `INDEXED_KINDS`. */
  readonly groupKind?: string | undefined;
}

/** Blocks that are no longer cached in a medium. */
export interface KvBlocksRemoved {
  readonly kind: "removed";
  readonly hashes: EngineHashes;
  readonly medium: KvMedium;
  readonly group?: number | undefined;
}

/** Nothing is cached any more, in no medium. */
export interface KvCacheCleared {
  readonly kind: "cleared";
}

/** One change of the KV cache of one rank of an engine. */
export type KvEvent = KvBlocksStored | KvBlocksRemoved | KvCacheCleared;

/** What a publisher sends at once. */
export interface KvEventBatch {
  /** Counted from 0 by every publisher (one per rank and life of the engine). */
  readonly sequence: number;
  /** Seconds since the epoch on the engine's machine. */
  readonly timestamp: number;
  readonly events: readonly KvEvent[];
}
