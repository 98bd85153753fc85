import { characterAt, LENGTH_SHIFT, LETTER, MARK, NEWLINE, NUMBER, SPACE } from "./character-class.ts";
import { contractionOf, fewOf, lettersOf, runOf, spacesOf, type WordScanner } from "./word-scanner.ts";

const APOSTROPHE = 0x27;
const BLANK = 0x20;

/**
 * The patterns of cl100k, Llama 3, Qwen 2 and later:
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
 *
 * @param rule `digits` is the longest run of numbers; with `marks`, marks are letters: `[\p{L}\p{M}]+`, `[^\s\p{L}\p{M}\p{N}]+`.
 */
export function createLetterRunScanner(rule: { digits: number; marks: boolean }): WordScanner {
  const letter = rule.marks ? LETTER | MARK : LETTER;
  const known = SPACE | NUMBER | letter;
  const letters = lettersOf(letter);
  const signs = runOf(0, known);
  const newlines = runOf(NEWLINE, 0);
  const spaces = spacesOf(true, 0);
  const contractions = contractionOf({ ignoreCase: true });
  const numbers = fewOf(NUMBER, rule.digits);

  return (bytes, start, end) => {
    const first = characterAt(bytes, start);
    const second = start + (first >>> LENGTH_SHIFT);
    if ((first & letter) !== 0) return letters(bytes, second, end);
    if ((first & NUMBER) !== 0) return numbers(bytes, start, end);
    if (bytes[start] === APOSTROPHE) {
      const contraction = contractions(bytes, second, end);
      if (contraction > 0) return contraction;
    }
    if (second < end) {
      const next = characterAt(bytes, second);
      if ((next & letter) !== 0 && (first & NEWLINE) === 0) {
        return letters(bytes, second + (next >>> LENGTH_SHIFT), end);
      }
      if (bytes[start] === BLANK && (next & known) === 0) {
        return newlines(bytes, signs(bytes, second + (next >>> LENGTH_SHIFT), end), end);
      }
    }
    if ((first & SPACE) !== 0) return spaces(bytes, start, end);
    return newlines(bytes, signs(bytes, second, end), end);
  };
}
