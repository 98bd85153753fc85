import { translateProperty } from "../character-property.ts";
import { newestNumbers } from "../unicode-differences.ts";

/** `\p{L}`. */
export const LETTER = 1;
/** `\p{N}`. */
export const NUMBER = 2;
/** `\s`. */
export const SPACE = 4;
/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`. */
export const UPPER = 8;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`. */
export const LOWER = 16;
/** `\p{M}`. */
export const MARK = 32;
/** `[\p{P}\p{S}]`. */
export const SIGN = 64;
/** A number to the `Digits` pre-tokenizer, whose Unicode data is newer than that of patterns. */
export const DIGIT = 128;
/** `[一-龥぀-ゟ゠-ヿ]`. */
export const IDEOGRAPH_OR_KANA = 256;
/** `[\r\n]`. */
export const NEWLINE = 512;

/** What {@link characterAt} gives, shifted right by this, is the number of bytes of the character. */
export const LENGTH_SHIFT = 12;

const PAGE = 256;
const HIGHEST = 0x10ffff;

/** The same translation that patterns get, so that a scanner cannot differ from the pattern it stands for. */
function compileClasses(): readonly (readonly [bit: number, pattern: RegExp])[] {
  const property = (name: string): string => translateProperty(name, false);
  const insides: readonly (readonly [bit: number, inside: string])[] = [
    [LETTER, property("L")],
    [NUMBER, property("N")],
    [SPACE, "\\p{White_Space}"],
    [UPPER, ["Lu", "Lt", "Lm", "Lo", "M"].map((name) => property(name)).join("")],
    [LOWER, ["Ll", "Lm", "Lo", "M"].map((name) => property(name)).join("")],
    [MARK, property("M")],
    [SIGN, property("P") + property("S")],
    [DIGIT, `\\p{N}${newestNumbers}`],
    [IDEOGRAPH_OR_KANA, "\\u{4e00}-\\u{9fa5}\\u{3040}-\\u{30ff}"],
    [NEWLINE, "\\r\\n"],
  ];
  return insides.map(([bit, inside]) => [bit, new RegExp(`[${inside}]+`, "gv")]);
}

let compiled: ReturnType<typeof compileClasses> | undefined;
const pages: (Uint16Array | undefined)[] = Array.from({ length: (HIGHEST + 1) / PAGE }, () => undefined);
const ascii = classesOfPage(0).map((bits) => bits | (1 << LENGTH_SHIFT));

/**
 * Classes of the character that begins at a place of valid UTF-8 (the constants above, added up) and, from
 * {@link LENGTH_SHIFT} up, its length in bytes.
 */
export function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  return lead < 0x80 ? (ascii[lead] as number) : wideCharacterAt(bytes, at);
}

function wideCharacterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return classesOf(((lead & 0x1f) << 6) | second) | (2 << LENGTH_SHIFT);
  const third = (bytes[at + 2] as number) & 0x3f;
  if (lead < 0xf0) return classesOf(((lead & 0x0f) << 12) | (second << 6) | third) | (3 << LENGTH_SHIFT);
  const fourth = (bytes[at + 3] as number) & 0x3f;
  return classesOf(((lead & 0x07) << 18) | (second << 12) | (third << 6) | fourth) | (4 << LENGTH_SHIFT);
}

function classesOf(code: number): number {
  const page = pages[code >>> 8] ?? classesOfPage(code >>> 8);
  return page[code & (PAGE - 1)] as number;
}

/** Worked out when the first of 256 code points is met: all together would take a tenth of a second. At most 2 MB. */
function classesOfPage(number: number): Uint16Array {
  const first = number * PAGE;
  const page = new Uint16Array(PAGE);
  const text = String.fromCodePoint(...Array.from(page, (_, index) => first + index));
  const unitsOfCharacter = first > 0xffff ? 2 : 1;
  compiled ??= compileClasses();
  for (const [bit, pattern] of compiled) {
    for (const match of text.matchAll(pattern)) {
      const from = match.index / unitsOfCharacter;
      const count = match[0].length / unitsOfCharacter;
      for (let index = from; index < from + count; index++) page[index] = (page[index] as number) | bit;
    }
  }
  pages[number] = page;
  return page;
}
