import type { TextCuts } from "./text-cuts.ts";
import type { TokenBuffer } from "./token-buffer.ts";

/** A text of more pieces becomes one again: each of them costs something when it is compared. */
const MOST_PIECES = 64;

/** A piece of a text from one cut (or the beginning) to another one, with its ids. */
export interface PromptPiece {
  readonly text: string;
  readonly ids: Int32Array;
  /** Its cuts, counted from its beginning; the last is its end. */
  readonly cutUnits: Int32Array;
  /** Ids up to each of them. */
  readonly cutIds: Int32Array;
  /** Memory taken, with two bytes a code unit. */
  readonly bytes: number;
  /** Remembered texts that have it. */
  owners: number;
}

/** What a text has in common with another one. */
export interface KnownBeginning {
  /** Those of the other text. */
  readonly pieces: readonly PromptPiece[];
  /** How many of them they have in common. */
  readonly whole: number;
  /** Index of the last cut of the next piece that they have in common, or -1. */
  readonly cut: number;
  /** Code units up to there. */
  readonly units: number;
}

/** How far a text is like another one; undefined when not even the first cut is the same. */
export function knownBeginning(text: string, pieces: readonly PromptPiece[]): KnownBeginning | undefined {
  let units = 0;
  let whole = 0;
  while (whole < pieces.length) {
    const piece = (pieces[whole] as PromptPiece).text;
    if (text.slice(units, units + piece.length) !== piece) break;
    units += piece.length;
    whole++;
  }
  const next = pieces[whole];
  const cut = next === undefined ? -1 : lastSharedCut(text, units, next);
  if (next !== undefined && cut >= 0) units += next.cutUnits[cut] as number;
  return units === 0 ? undefined : { pieces, whole, cut, units };
}

function lastSharedCut(text: string, start: number, piece: PromptPiece): number {
  const { cutUnits } = piece;
  let low = -1;
  let known = 0;
  let high = cutUnits.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const end = cutUnits[middle] as number;
    if (text.slice(start + known, start + end) === piece.text.slice(known, end)) {
      low = middle;
      known = end;
    } else high = middle - 1;
  }
  return low;
}

/** Appends the ids of what is known. */
export function pushKnown({ pieces, whole, cut }: KnownBeginning, output: TokenBuffer): void {
  for (let index = 0; index < whole; index++) output.pushBlock((pieces[index] as PromptPiece).ids);
  if (cut >= 0) {
    const { ids, cutIds } = pieces[whole] as PromptPiece;
    output.pushBlock(ids.subarray(0, cutIds[cut]));
  }
}

/** The ids of a text and its cuts behind what was known of it; both by their places in an output where its ids begin at `firstId`. */
export interface EncodedText {
  readonly ids: TokenBuffer;
  readonly firstId: number;
  readonly cuts: TextCuts;
}

/** The pieces of a text up to its last cut: those that are known, and one for the rest. Undefined when nothing can be kept of it. */
export function piecesWith(
  known: KnownBeginning | undefined,
  text: string,
  { ids, firstId, cuts }: EncodedText,
): readonly PromptPiece[] | undefined {
  if (cuts.count === 0) return known?.cut === -1 ? known.pieces.slice(0, known.whole) : undefined;
  const shared = known === undefined || known.whole >= MOST_PIECES ? [] : known.pieces.slice(0, known.whole);
  let fromUnits = 0;
  let fromId = firstId;
  for (const piece of shared) {
    fromUnits += piece.text.length;
    fromId += piece.ids.length;
  }
  const cutUnits: number[] = [];
  const cutIds: number[] = [];
  let units = 0;
  let count = 0;
  // Cuts that are known, but not in a piece that is shared.
  for (let index = shared.length; known !== undefined && index <= known.whole; index++) {
    const piece = known.pieces[index];
    const last = index < known.whole ? (piece as PromptPiece).cutUnits.length - 1 : known.cut;
    for (let cut = 0; piece !== undefined && cut <= last; cut++) {
      cutUnits.push(units + (piece.cutUnits[cut] as number));
      cutIds.push(count + (piece.cutIds[cut] as number));
    }
    units += piece?.text.length ?? 0;
    count += piece?.ids.length ?? 0;
  }
  for (let cut = 0; cut < cuts.count; cut++) {
    cutUnits.push(cuts.unitsAt(cut) - fromUnits);
    cutIds.push(cuts.idsAt(cut) - fromId);
  }
  const endUnits = fromUnits + (cutUnits.at(-1) as number);
  const own = ids.range(fromId, fromId + (cutIds.at(-1) as number));
  const piece = {
    text: ownCopy(text.slice(fromUnits, endUnits)),
    ids: own,
    cutUnits: Int32Array.from(cutUnits),
    cutIds: Int32Array.from(cutIds),
    bytes: (endUnits - fromUnits) * 2 + own.length * 4 + cutUnits.length * 8 + 256,
    owners: 0,
  };
  return [...shared, piece];
}

/** A copy that is no piece of anything larger, which V8 would keep alive with it. */
function ownCopy(text: string): string {
  const joined = `${text}\n`;
  // Makes V8 write it out.
  joined.charCodeAt(0);
  return joined.slice(0, -1);
}
