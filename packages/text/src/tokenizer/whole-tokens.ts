import { byteCharacters, byteOfCharacter } from "./byte-alphabet.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Bits of the filter: an eighth of them are set for 128,000 tokens. */
const FILTER_BITS = 1 << 20;

/**
 * The tokens of a byte-level vocabulary by their bytes. Most words that are asked for are no token; a filter of one bit a token tells
 * nearly all of those without a search.
 */
export class WholeTokens {
  readonly #vocabulary: Vocabulary;
  readonly #filter = new Int32Array(FILTER_BITS / 32);
  #longest = 0;

  /** @param vocabulary spelled in the byte alphabet. */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    for (const piece of vocabulary.pieces()) {
      let hash = piece.length;
      for (let index = 0; index < piece.length; index++)
        hash = mix(hash, byteOfCharacter(piece.charCodeAt(index)));
      const bit = bitOf(hash);
      this.#filter[bit >> 5] = (this.#filter[bit >> 5] as number) | (1 << (bit & 31));
      if (piece.length > this.#longest) this.#longest = piece.length;
    }
  }

  /** The id of the token that the bytes are, or -1. */
  find(bytes: Uint8Array, start: number, length: number): number {
    if (length > this.#longest) return -1;
    const end = start + length;
    let hash = length;
    for (let at = start; at < end; at++) hash = mix(hash, bytes[at] as number);
    const bit = bitOf(hash);
    if ((((this.#filter[bit >> 5] as number) >>> (bit & 31)) & 1) === 0) return -1;
    let spelled = "";
    for (let at = start; at < end; at++) spelled += byteCharacters[bytes[at] as number];
    return this.#vocabulary.get(spelled) ?? -1;
  }
}

function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

function bitOf(hash: number): number {
  return (hash ^ (hash >>> 13)) & (FILTER_BITS - 1);
}
