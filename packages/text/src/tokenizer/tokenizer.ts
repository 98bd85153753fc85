import type { DecodeStream, DecodeStreamOptions } from "../detokenize/decode-stream.ts";
import type { CutEncoding, EncodingCut } from "./cut-encoding.ts";
import type { EncodingDraft, Stretch } from "./encoding-draft.ts";
import type { CreateTextUnits } from "./text-units.ts";

/** Contents of a model's tokenizer files. */
export interface TokenizerFiles {
  /** `tokenizer.json` of the Hugging Face `tokenizers` library, as text or as it is on the disk. */
  readonly tokenizerJson: string | Uint8Array;
  /** `tokenizer_config.json`: names of the special tokens, beginning and end tokens to add, tokenizer class. */
  readonly tokenizerConfig?: string;
  /** `special_tokens_map.json`: special tokens that `tokenizer_config.json` does not name. */
  readonly specialTokensMap?: string;
  /** `config.json`: its `model_type` says whether the tokenizer class counts. */
  readonly modelConfig?: string;
}

/** What a runtime has and ECMAScript has not. */
export interface TokenizerOptions {
  /** Memory in which long texts are compared with earlier ones; without it they are gone through unit by unit. */
  readonly createTextUnits?: CreateTextUnits;
}

/** How {@link Tokenizer.decode} treats special tokens. */
export interface DecodeOptions {
  /** Leave special tokens out of the text. */
  readonly skipSpecialTokens: boolean;
  /** Accepted for symmetry with sampling parameters; the libraries behind vLLM ignore it when decoding whole lists. */
  readonly spacesBetweenSpecialTokens?: boolean;
}

/** Ids that encoding adds around the ids of a text, when special tokens are asked for. */
export interface SpecialFrame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** One model's tokenizer. Immutable to its callers: caches inside never change an answer. */
export interface Tokenizer {
  /** Number of distinct tokens, added ones included (Python's `len(tokenizer)`). */
  readonly vocabularySize: number;
  /** The highest id that encoding can give; above `vocabularySize - 1` where the vocabulary has gaps. */
  readonly highestTokenId: number;
  /** Characters (code points) of the longest token: vLLM's bound for texts that are far too long. */
  readonly maxTokenCharacters: number;
  /** Special tokens by name: `bos_token`, `eos_token`, … each with its text. Tokens without a name are not here. */
  readonly specialTokens: ReadonlyMap<string, string>;
  /** Texts of the special tokens the model's files list, named or not (transformers' `all_special_tokens`). */
  readonly allSpecialTokens: readonly string[];
  /** Id of `eos_token`, undefined when the files name none. */
  readonly endOfSequenceTokenId: number | undefined;
  /** Character that stands for a leading space and is lost when such a token is decoded alone (Metaspace), or undefined. */
  readonly leadingSpaceMarker: string | undefined;
  /** What `encode` adds around a text when it adds special tokens. A truncated text keeps them. */
  readonly specialFrame: SpecialFrame;
  /** Ids of a text. Lone surrogates count as U+FFFD. `addSpecialTokens` adds what the post-processor adds (`<s>` …). */
  encode(text: string, addSpecialTokens: boolean): Int32Array;
  /** What `encode` gives without special tokens, with the places at which a text that begins like this one can be taken up again. */
  encodeWithCuts(text: string): CutEncoding;
  /**
   * The last place up to which an encoding by {@link Tokenizer.encodeWithCuts} also holds for every text that shares its first
   * `sharedUnits` units: such a text has the ids before the place, and then those of its rest from the place on, encoded as a text of
   * its own. `continueEncoding` puts the two together.
   */
  lastCut(encoding: CutEncoding, sharedUnits: number): EncodingCut | undefined;
  /** Begins {@link Tokenizer.encode}: what comes of completing the draft is what it gives, whoever encodes the unknown stretches. */
  draft(text: string, addSpecialTokens: boolean): EncodingDraft;
  /** Ids of every one of a draft's stretches, also of a draft by another tokenizer with the same files. */
  encodeStretches(stretches: readonly Stretch[]): readonly Int32Array[];
  /** Text of ids; unknown ids count as nothing, broken UTF-8 becomes U+FFFD. */
  decode(tokenIds: ArrayLike<number>, options: DecodeOptions): string;
  /** Text of one id alone, special tokens included; empty for an unknown id. */
  tokenText(tokenId: number): string;
  /** The token as the vocabulary spells it (`Ġworld`, `▁world`, `<|im_end|>`), undefined for an unknown id. */
  tokenPiece(tokenId: number): string | undefined;
  /** Text of tokens as the vocabulary spells them; what the vocabulary does not have counts as its own text. */
  piecesText(pieces: readonly string[]): string;
  /** Id of a token as the vocabulary spells it, undefined when there is none. */
  tokenId(piece: string): number | undefined;
  /** Whether decoding with `skipSpecialTokens` leaves this token out. */
  isSpecial(tokenId: number): boolean;
  /** Text of an added token (special or not), undefined when the id is not one. */
  addedTokenText(tokenId: number): string | undefined;
  /** A stream that decodes token by token and never splits a code point. Cheap to make, one per sequence. */
  decodeStream(options: DecodeStreamOptions): DecodeStream;
}
