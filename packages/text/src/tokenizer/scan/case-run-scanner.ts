import {
  characterAt,
  LENGTH_SHIFT,
  LETTER,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  SPACE,
  UPPER,
} from "./character-class.ts";
import { contractionOf, fewOf, runOf, spacesOf, type WordScanner } from "./word-scanner.ts";

const APOSTROPHE = 0x27;
const BLANK = 0x20;
const SLASH = 0x2f;

/**
 * The patterns of o200k and Mistral's Tekken. A word is large letters and then small ones, with what stands before it:
 * `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`, or the same with
 * `+` and `*` exchanged; then `\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
 *
 * @param rule `digits` is the longest run of numbers, `contractions` whether `'s` and the like belong to the word before.
 */
export function createCaseRunScanner(rule: { digits: number; contractions: boolean }): WordScanner {
  const known = SPACE | NUMBER | LETTER;
  const upper = runOf(UPPER, 0);
  const lower = runOf(LOWER, 0);
  const signs = runOf(0, known);
  const spaces = spacesOf(true, 0);
  const contractions = contractionOf({ ignoreCase: true });
  const numbers = fewOf(NUMBER, rule.digits);

  /** The letters of a word from a place on, -1 when it has no small one. */
  function wordEnd(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let afterBoth = -1;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & UPPER) === 0) {
        if ((character & LOWER) !== 0) return lower(bytes, at + (character >>> LENGTH_SHIFT), end);
        break;
      }
      at += character >>> LENGTH_SHIFT;
      if ((character & LOWER) !== 0) afterBoth = at;
    }
    // The large letters give back as many as it takes to end with one that is also a small one.
    return afterBoth;
  }

  function withContraction(bytes: Uint8Array, at: number, end: number): number {
    if (!rule.contractions || at >= end || bytes[at] !== APOSTROPHE) return at;
    const contraction = contractions(bytes, at + 1, end);
    return contraction > 0 ? contraction : at;
  }

  function signsEnd(bytes: Uint8Array, from: number, end: number): number {
    let at = signs(bytes, from, end);
    while (at < end && (bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === SLASH)) at++;
    return at;
  }

  const scan: WordScanner = (bytes, start, end) => {
    const first = characterAt(bytes, start);
    if ((first & NUMBER) !== 0) return numbers(bytes, start, end);
    const second = start + (first >>> LENGTH_SHIFT);
    if ((first & NEWLINE) === 0) {
      const isLetter = (first & LETTER) !== 0;
      const from = isLetter ? start : second;
      const word = wordEnd(bytes, from, end);
      if (word > 0) return withContraction(bytes, word, end);
      // A mark is a letter here, but not to the one character before a word.
      if ((first & MARK) !== 0) return withContraction(bytes, second, end);
      const large = upper(bytes, from, end);
      if (large > from) return withContraction(bytes, large, end);
    }
    if (bytes[start] === BLANK && second < end) {
      const next = characterAt(bytes, second);
      if ((next & known) === 0) return signsEnd(bytes, second, end);
    }
    if ((first & SPACE) !== 0) return spaces(bytes, start, end);
    return signsEnd(bytes, second, end);
  };
  return Object.assign(scan, { isCased: true });
}
