import { bytesOfPiece } from "./byte-alphabet.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { endsInReplacement, lossyText, strictText } from "./utf8.ts";

/** Added tokens as decoding sees them. */
export interface AddedPieces {
  /** Text of each added token by id. */
  readonly pieces: ReadonlyMap<number, string>;
  /** Texts of the special ones, as they were given. */
  readonly specialTexts: ReadonlySet<string>;
}

/** What each id stands for when decoding; texts and bytes are worked out when first asked for and kept. */
export class TokenTable {
  private readonly vocabulary: Vocabulary;
  private readonly pieces: (string | undefined)[];
  private readonly special: Uint8Array;
  private readonly texts: (string | null | undefined)[];
  private readonly bytes = new Map<number, Uint8Array>();

  /** @param added Added tokens as decoding sees them (in their normalized form); they win over the model's. */
  constructor(vocabulary: Vocabulary, added: AddedPieces) {
    this.vocabulary = vocabulary;
    let size = vocabulary.idLimit;
    for (const id of added.pieces.keys()) if (id >= size) size = id + 1;
    this.pieces = Array.from({ length: size });
    this.texts = Array.from({ length: size });
    this.special = new Uint8Array(size);
    for (const [id, piece] of added.pieces) this.pieces[id] = piece;
    // Special is what is spelled like a special token, as in the library.
    for (const text of added.specialTexts) {
      const id = vocabulary.get(text);
      if (id !== undefined && this.piece(id) === text) this.special[id] = 1;
    }
    for (const [id, piece] of added.pieces) if (added.specialTexts.has(piece)) this.special[id] = 1;
  }

  /** The token of an id, undefined when there is none. */
  piece(id: number): string | undefined {
    return this.pieces[id] ?? this.spell(id);
  }

  private spell(id: number): string | undefined {
    const piece = this.vocabulary.piece(id);
    if (piece !== undefined) this.pieces[id] = piece;
    return piece;
  }

  /** Whether the id is skipped when special tokens are. */
  isSpecial(id: number): boolean {
    return this.special[id] === 1;
  }

  /**
   * For byte-level tokenizers: the text of an id when its bytes are whole characters and do not end with U+FFFD, so that
   * it means the same wherever it stands; null when it does not; empty for an unknown id.
   */
  wholeText(id: number): string | null {
    const known = this.texts[id];
    if (known !== undefined) return known;
    if (this.piece(id) === undefined) return "";
    const bytes = this.bytesOf(id);
    const text = endsInReplacement(bytes, bytes.length) ? null : (strictText(bytes) ?? null);
    this.texts[id] = text;
    if (text !== null) this.bytes.delete(id);
    return text;
  }

  /** For SentencePiece-like tokenizers: what an id adds after another one; undefined for bytes and unknown ids. */
  followingText(id: number, textOf: (piece: string) => string | undefined): string | undefined {
    const known = this.texts[id];
    if (known !== undefined) return known ?? undefined;
    const piece = this.piece(id);
    if (piece === undefined) return undefined;
    const text = textOf(piece);
    this.texts[id] = text ?? null;
    return text;
  }

  /** For byte-level tokenizers: the bytes of an id, none for an unknown id. */
  bytesOf(id: number): Uint8Array {
    let bytes = this.bytes.get(id);
    if (bytes === undefined) {
      const piece = this.piece(id) ?? "";
      bytes = bytesOfPiece(piece) ?? encoder.encode(piece);
      this.bytes.set(id, bytes);
    }
    return bytes;
  }

  /** Text of ids of a byte-level tokenizer. */
  decodeBytes(ids: ArrayLike<number>, skipsSpecial: boolean): string {
    let text = "";
    let pending: number[] = [];
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] as number;
      if (skipsSpecial && this.isSpecial(id)) continue;
      const whole = this.wholeText(id);
      if (whole === null) {
        for (const byte of this.bytesOf(id)) pending.push(byte);
      } else if (pending.length > 0 && whole !== "") {
        text += lossyText(Uint8Array.from(pending)) + whole;
        pending = [];
      } else {
        text += whole;
      }
    }
    return pending.length === 0 ? text : text + lossyText(Uint8Array.from(pending));
  }

  /** Tokens of ids, for decoders that work on tokens. */
  decodableTokens(ids: ArrayLike<number>, skipsSpecial: boolean): string[] {
    const tokens: string[] = [];
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] as number;
      const piece = this.piece(id);
      if (piece !== undefined && !(skipsSpecial && this.isSpecial(id))) tokens.push(piece);
    }
    return tokens;
  }
}

const encoder = new TextEncoder();
