import type { CutEncoding } from "./cut-encoding.ts";

/** A piece of a text between added tokens. */
export interface Stretch {
  /** As it came, lone surrogates and all. */
  readonly text: string;
  /** Whether it stands at the beginning of what is encoded: there some models encode differently. */
  readonly isAtStart: boolean;
}

/** A text taken apart as encoding does it, with what is not known of it still to be encoded, here or elsewhere. */
export interface EncodingDraft {
  /** The stretches whose ids no cache has, in the order of the text. */
  readonly unknown: readonly Stretch[];
  /** Code units of all of them. */
  readonly unknownUnits: number;
  /**
   * Ids of the whole text.
   *
   * @param ids Those of every unknown stretch, in their order, as `encodeStretches` of a tokenizer with the same files gives them.
   */
  complete(ids: readonly Int32Array[]): Int32Array;
  /** The same without special tokens, whether or not they were asked for, and with cuts: what `encodeWithCuts` gives. */
  completeWithCuts(ids: readonly Int32Array[]): CutEncoding;
}
