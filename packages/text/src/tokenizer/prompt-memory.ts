import type { TextCuts } from "./text-cuts.ts";
import { type KnownBeginning, knownBeginning, type PromptPiece, piecesWith } from "./prompt-piece.ts";
import type { TokenBuffer } from "./token-buffer.ts";

/** Shorter texts are as quickly encoded stretch by stretch. */
const SHORTEST = 4096;
/** A longer text would push out too many others. */
const LONGEST = 1 << 20;
/** What all texts take at most, with two bytes a code unit. */
const CAPACITY_BYTES = 16 << 20;
/** A text is forgotten at the latest when so many others have come, counting those that are gone already. */
const PLACES = 1 << 13;
/** Beginnings by which texts are found. */
const BEGINNINGS = 1 << 15;
/** Units between two of those that are looked at to find a text. */
const SAMPLED = 31;
/** The shortest beginning by which a text is found, and the least by which the next one is longer. */
const STEP = 1024;
/** More than the beginnings of the longest text. */
const MOST_BEGINNINGS = 128;
/** Texts that are compared before all is taken for new. */
const MOST_COMPARED = 4;

/** A text up to its last cut. */
interface RememberedText {
  readonly pieces: readonly PromptPiece[];
  readonly place: number;
}

/** What is known of a text. */
export interface FoundText extends KnownBeginning {
  readonly like: RememberedText;
}

/**
 * Long texts that were encoded lately, since the next one is often one of them with something behind it: a conversation that goes on. A text is
 * known up to the last cut that it has in common with one of them. It is found by hashes of its beginnings, of some of their units each, and then
 * compared, so that a wrong hash costs time and nothing else; of two texts with a beginning in common the later one is found by it.
 * What two texts have in common is kept once. Bounded in bytes and in number, the oldest goes first; one that another continues goes at once.
 */
export class PromptMemory {
  readonly #places = Array.from<RememberedText | undefined>({ length: PLACES });
  /** By the hash of a beginning: a place + 1. */
  readonly #byBeginning = new Int32Array(BEGINNINGS);
  /** Texts that have been remembered, and those of them that are certainly gone; modulo the places the one filled next and the oldest. */
  #next = 0;
  #oldest = 0;
  #bytes = 0;
  readonly #hashes = new Int32Array(MOST_BEGINNINGS);
  #hashCount = 0;
  #lastText = "";
  #lastFound: FoundText | undefined;

  /** What is known of a text; asked again about the same one it is quick. */
  find(text: string): FoundText | undefined {
    if (text.length < SHORTEST || text.length > LONGEST) return undefined;
    if (text !== this.#lastText) {
      this.#hashBeginnings(text);
      this.#lastFound = this.#look(text);
      this.#lastText = text;
    }
    return this.#lastFound;
  }

  /** Remembers a text without lone surrogates. */
  remember(text: string, { ids, cuts, known, firstId }: Remembering): void {
    if (text.length < SHORTEST || text.length > LONGEST) return;
    if (text !== this.#lastText) this.#hashBeginnings(text);
    this.#lastText = "";
    this.#lastFound = undefined;
    const pieces = piecesWith(known, text, { ids, cuts, firstId });
    if (pieces === undefined) return;
    const place = this.#next % PLACES;
    this.#next++;
    this.#forget(this.#places[place]);
    this.#oldest = Math.max(this.#oldest, this.#next - PLACES);
    for (const piece of pieces) this.#own(piece);
    // What is forgotten has nothing that the new one does not have.
    if (known !== undefined && known.whole === known.like.pieces.length) this.#forget(known.like);
    this.#places[place] = { pieces, place };
    while (this.#bytes > CAPACITY_BYTES) {
      this.#forget(this.#places[this.#oldest % PLACES]);
      this.#oldest++;
    }
    for (let index = 0; index < this.#hashCount; index++) {
      this.#byBeginning[(this.#hashes[index] as number) & (BEGINNINGS - 1)] = place + 1;
    }
  }

  #own(piece: PromptPiece): void {
    if (piece.owners === 0) this.#bytes += piece.bytes;
    piece.owners++;
  }

  #forget(text: RememberedText | undefined): void {
    if (text === undefined || this.#places[text.place] !== text) return;
    this.#places[text.place] = undefined;
    for (const piece of text.pieces) {
      piece.owners--;
      if (piece.owners === 0) this.#bytes -= piece.bytes;
    }
  }

  #look(text: string): FoundText | undefined {
    let compared: RememberedText | undefined;
    let attempts = 0;
    for (let index = this.#hashCount - 1; index >= 0 && attempts < MOST_COMPARED; index--) {
      const place = this.#byBeginning[(this.#hashes[index] as number) & (BEGINNINGS - 1)] as number;
      const like = place === 0 ? undefined : this.#places[place - 1];
      if (like === undefined || like === compared) continue;
      compared = like;
      attempts++;
      const known = knownBeginning(text, like.pieces);
      if (known !== undefined) return { ...known, like };
    }
    return undefined;
  }

  /** Fills `#hashes`, shortest beginning first. */
  #hashBeginnings(text: string): void {
    const hashes = this.#hashes;
    let count = 0;
    let hash = 0;
    let end = STEP;
    for (let index = 0; index < text.length; index += SAMPLED) {
      while (index >= end) {
        hashes[count++] = hash ^ (hash >>> 15);
        end += Math.max(STEP, end >> 4);
      }
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    this.#hashCount = count;
  }
}

/** What {@link PromptMemory.remember} has to know of a text. */
export interface Remembering {
  /** Its ids, in an output that may have more before and behind. */
  readonly ids: TokenBuffer;
  /** Where they begin. */
  readonly firstId: number;
  /** The cuts behind what was known, by their places in the text and in the output. */
  readonly cuts: TextCuts;
  readonly known: FoundText | undefined;
}
