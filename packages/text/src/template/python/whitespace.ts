// What Python's `str.isspace` accepts: it differs from JavaScript's `\s` (U+001C to U+001F, U+0085, U+FEFF).
const SPACE_CLASS = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const ALL_SPACE = new RegExp(`^[${SPACE_CLASS}]+$`);
const SPACE_RUN = new RegExp(`[${SPACE_CLASS}]+`, "g");

/** Whether a UTF-16 unit is white space to Python. */
export function isSpaceUnit(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f);
  return (
    unit === 0x85 ||
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000
  );
}

/** `text.isspace()`. */
export function isAllSpace(text: string): boolean {
  return ALL_SPACE.test(text);
}

/** `text.split()`: the words between runs of white space. */
export function splitWords(text: string): string[] {
  return text.split(SPACE_RUN).filter((word) => word !== "");
}

/** `text.lstrip()` and `text.rstrip()` in one: which ends to strip. */
export type StripSide = "both" | "left" | "right";

/** Removes white space, or the given characters, from the ends of a text. */
export function strip(text: string, side: StripSide, characters?: string): string {
  const isStripped = characters === undefined ? isSpaceUnit : memberTest(characters);
  let start = 0;
  let end = text.length;
  if (side !== "right") while (start < end && isStripped(text.charCodeAt(start))) start++;
  if (side !== "left") while (end > start && isStripped(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

const SURROGATE = /[\ud800-\udfff]/;

function memberTest(characters: string): (unit: number) => boolean {
  if (characters.length === 1) {
    const only = characters.charCodeAt(0);
    return (unit) => unit === only;
  }
  const units = new Set<number>();
  for (let index = 0; index < characters.length; index++) units.add(characters.charCodeAt(index));
  return (unit) => units.has(unit);
}

/** Like {@link strip} with characters outside the basic plane, which must be compared as whole code points. */
export function stripCharacters(text: string, side: StripSide, characters: string): string {
  if (!SURROGATE.test(characters)) return strip(text, side, characters);
  const members = new Set(characters);
  const units = [...text];
  let start = 0;
  let end = units.length;
  if (side !== "right") while (start < end && members.has(units[start] ?? "")) start++;
  if (side !== "left") while (end > start && members.has(units[end - 1] ?? "")) end--;
  return units.slice(start, end).join("");
}

const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

/** `text.splitlines(keepends)`. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(LINE_END)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}
