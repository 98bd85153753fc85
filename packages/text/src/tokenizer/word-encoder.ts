import type { TokenBuffer } from "./token-buffer.ts";
import { WordCache, type WordIds } from "./word-cache.ts";

/** Turns words into ids by a model. */
export interface WordEncoder {
  /** Appends the ids of one word. The word has no lone surrogates. */
  encodeWord(word: string, output: TokenBuffer): void;
}

/** An encoder that takes words seen before from a bounded cache. */
export function createCachedEncoder(compute: (word: string) => WordIds): WordEncoder {
  const cache = new WordCache();
  return {
    encodeWord(word, output) {
      let ids = cache.get(word);
      if (ids === undefined) {
        ids = compute(word);
        cache.set(word, ids);
      }
      if (typeof ids === "number") output.push(ids);
      else output.pushAll(ids);
    },
  };
}
