/** Where an engine keeps a block: the device's memory, the host's, or beyond. */
export type KvMedium = "device" | "host" | "storage";

/** Blocks that an engine caches from now on. Hashes are two words each, low then high: the last 64 bits of the engine's own. */
export interface KvStored {
  readonly kind: "stored";
  readonly hashes: Int32Array;
  readonly parent: Int32Array | undefined;
  /** Of all blocks together; empty when known blocks are only kept in another medium too. */
  readonly tokenIds: Int32Array;
  readonly medium: KvMedium;
  readonly loraName: string | undefined;
  readonly cacheSalt: string | undefined;
  /** Per block: LoRA name, media (these begin with a NUL), salt, embeddings. */
  readonly extraKeys: readonly (readonly string[] | null)[] | undefined;
  readonly group: number | undefined;
  readonly groupKind: string | undefined;
}

/** Blocks that are no longer cached in a medium. */
export interface KvRemoved {
  readonly kind: "removed";
  readonly hashes: Int32Array;
  readonly medium: KvMedium;
  readonly group: number | undefined;
}

/** Nothing is cached any more. */
export interface KvCleared {
  readonly kind: "cleared";
}

/** One change of an engine's KV cache, whichever way it came. */
export type KvChange = KvStored | KvRemoved | KvCleared;

/** What a publisher says at once. */
export interface KvBatch {
  readonly sequence: number;
  /** Seconds since the epoch on the engine's machine. */
  readonly timestamp: number;
  readonly events: readonly KvChange[];
}

/** The medium by the name that vLLM gives it; nothing said means the device. */
export function mediumOf(name: string | null | undefined, locality?: string | null): KvMedium {
  if (locality === "REMOTE") {
    return "storage";
  }
  switch (name) {
    case null:
    case undefined:
    case "":
    case "GPU":
    case "HBM":
      return "device";
    case "CPU":
      return "host";
    default:
      return "storage";
  }
}
