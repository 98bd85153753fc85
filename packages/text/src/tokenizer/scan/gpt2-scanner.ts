import { characterAt, DIGIT, LENGTH_SHIFT, LETTER, NUMBER, SPACE } from "./character-class.ts";
import { contractionOf, lettersOf, runOf, spacesOf, type WordScanner } from "./word-scanner.ts";

const APOSTROPHE = 0x27;
const BLANK = 0x20;

/**
 * GPT-2's pattern: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
 *
 * @param rule With `digits`, a `Digits` step has made every number a piece of its own before.
 */
export function createGpt2Scanner(rule: { digits: boolean }): WordScanner {
  const stop = rule.digits ? DIGIT : 0;
  const letters = lettersOf(LETTER);
  const numbers = runOf(NUMBER, stop);
  const signs = runOf(0, SPACE | LETTER | NUMBER | stop);
  const spaces = spacesOf(false, stop);
  const contractions = contractionOf({ ignoreCase: false });

  function runAt(bytes: Uint8Array, at: number, end: number): number {
    const character = characterAt(bytes, at);
    const after = at + (character >>> LENGTH_SHIFT);
    if ((character & LETTER) !== 0) return letters(bytes, after, end);
    return (character & NUMBER) === 0 ? signs(bytes, after, end) : numbers(bytes, after, end);
  }

  return (bytes, start, end) => {
    const first = characterAt(bytes, start);
    const second = start + (first >>> LENGTH_SHIFT);
    if ((first & stop) !== 0) return second;
    if (bytes[start] === BLANK && second < end && (characterAt(bytes, second) & (SPACE | stop)) === 0) {
      return runAt(bytes, second, end);
    }
    if ((first & SPACE) !== 0) return spaces(bytes, start, end);
    if (bytes[start] === APOSTROPHE) {
      const contraction = contractions(bytes, second, end);
      if (contraction > 0) return contraction;
    }
    return runAt(bytes, start, end);
  };
}
