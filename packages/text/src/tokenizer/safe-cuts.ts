import type { Vocabulary } from "./vocabulary.ts";

const MARKER = "\u2581";
const byteOrUnknownBeforeMarker = new RegExp(`<(?:0x[0-9A-F]{2}|unk)>${MARKER}`);

/**
 * Where a long word of a SentencePiece-like model can be cut without changing its ids. Such models see a whole text as one
 * word, with U+2581 for spaces. A merge reaches over a place only if it makes a token that has the two characters there
 * side by side; before most spaces no token does. The parts are short, so that they can be cached.
 *
 * @returns A function that gives the parts of a word, or undefined when the vocabulary has no such places.
 */
export function findSafeCuts(
  vocabulary: Vocabulary,
): ((word: string, visit: (part: string) => void) => void) | undefined {
  if (!vocabulary.has(MARKER)) return undefined;
  /** UTF-16 units that stand before a marker inside some token. */
  const joined = new Set<number>();
  for (const piece of vocabulary.pieces()) {
    for (let at = piece.indexOf(MARKER, 1); at > 0; at = piece.indexOf(MARKER, at + 1)) {
      joined.add(piece.charCodeAt(at - 1));
    }
    // Then also a byte or unknown token could merge with a marker, and no character before it would be safe.
    if (byteOrUnknownBeforeMarker.test(piece)) return undefined;
  }
  return (word, visit) => {
    let start = 0;
    for (let at = word.indexOf(MARKER, 1); at > 0; at = word.indexOf(MARKER, at + 1)) {
      if (joined.has(word.charCodeAt(at - 1))) continue;
      visit(word.slice(start, at));
      start = at;
    }
    visit(start === 0 ? word : word.slice(start));
  };
}
