import type { BlockHash } from "./block-hash.ts";

/** A change of one rank's prefix cache, as vLLM publishes it. */
export type KvEvent =
  | {
      readonly kind: "stored";
      readonly hashes: readonly BlockHash[];
      readonly parent: BlockHash | undefined;
      /** Tokens of all blocks, one after another. */
      readonly tokenIds: readonly number[];
    }
  | { readonly kind: "removed"; readonly hashes: readonly BlockHash[] }
  | { readonly kind: "cleared" };
