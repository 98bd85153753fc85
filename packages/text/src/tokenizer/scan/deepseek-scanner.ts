import {
  characterAt,
  IDEOGRAPH_OR_KANA,
  LENGTH_SHIFT,
  LETTER,
  MARK,
  NEWLINE,
  NUMBER,
  SIGN,
  SPACE,
} from "./character-class.ts";
import { fewOf, spacesOf, type WordScanner } from "./word-scanner.ts";

const BLANK = 0x20;
const LETTER_OR_MARK = LETTER | MARK;
const numbers = fewOf(NUMBER, 3);

/**
 * DeepSeek V3's three patterns, one after the other: `\p{N}{1,3}`, `[一-龥぀-ゟ゠-ヿ]+` and
 * `[ASCII signs][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`. The third sees
 * what the first two left in pieces; what it does not match is a piece too.
 */
export const deepseekScanner: WordScanner = (bytes, start, end) => {
  const first = characterAt(bytes, start);
  if ((first & NUMBER) !== 0) return numbers(bytes, start, end);
  return (first & IDEOGRAPH_OR_KANA) === 0
    ? amongOthers(bytes, start, end)
    : amongIdeographs(bytes, start, end);
};

const amongOthers = pieceScanner(NUMBER | IDEOGRAPH_OR_KANA, 0);
const amongIdeographs = pieceScanner(NUMBER, IDEOGRAPH_OR_KANA);

/** The third pattern in a piece that ends at a character of the classes `stop`, or without one of the class `inside`. */
function pieceScanner(stop: number, inside: number): WordScanner {
  const letters = within(LETTER_OR_MARK);
  const signs = within(SIGN);
  const newlines = within(NEWLINE);
  const spaces = spacesOf(true, stop);

  function isInside(character: number): boolean {
    return (character & stop) === 0 && (character & inside) === inside;
  }

  function within(some: number): WordScanner {
    return (bytes, start, end) => {
      let at = start;
      while (at < end) {
        const character = characterAt(bytes, at);
        if ((character & some) === 0 || !isInside(character)) return at;
        at += character >>> LENGTH_SHIFT;
      }
      return at;
    };
  }

  /** What no alternative matches, up to where one does. */
  function unmatched(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & (LETTER_OR_MARK | SIGN | SPACE)) !== 0 || !isInside(character)) return at;
      const next = at + (character >>> LENGTH_SHIFT);
      // The one character before letters belongs to them.
      if (next < end && at > start && startsLetters(bytes, next)) return at;
      at = next;
    }
    return at;
  }

  function startsLetters(bytes: Uint8Array, at: number): boolean {
    const character = characterAt(bytes, at);
    return (character & LETTER_OR_MARK) !== 0 && isInside(character);
  }

  return (bytes, start, end) => {
    const first = characterAt(bytes, start);
    const second = start + (first >>> LENGTH_SHIFT);
    if ((first & LETTER_OR_MARK) !== 0) return letters(bytes, second, end);
    if ((first & SIGN) !== 0) {
      const isAscii = second === start + 1;
      const latin = isAscii ? asciiLettersEnd(bytes, second, end) : second;
      return latin > second ? latin : newlines(bytes, signs(bytes, second, end), end);
    }
    if (second < end && (first & NEWLINE) === 0 && startsLetters(bytes, second)) {
      return letters(bytes, second, end);
    }
    if (bytes[start] === BLANK && second < end) {
      const next = characterAt(bytes, second);
      if ((next & SIGN) !== 0 && isInside(next)) return newlines(bytes, signs(bytes, second, end), end);
    }
    return (first & SPACE) === 0 ? unmatched(bytes, start, end) : spaces(bytes, start, end);
  };
}

function asciiLettersEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const letter = (bytes[at] as number) | 0x20;
    if (letter < 0x61 || letter > 0x7a) return at;
    at++;
  }
  return at;
}
