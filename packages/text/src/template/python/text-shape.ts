import { isCased } from "./text-class.ts";
import { textLength } from "./text-index.ts";

/** `text.capitalize()`. */
export function capitalize(text: string): string {
  const first = text.codePointAt(0);
  if (first === undefined) return text;
  const head = String.fromCodePoint(first);
  return head.toUpperCase() + text.slice(head.length).toLowerCase();
}

/** `text.title()`: every run of cased letters starts with a capital. */
export function titleCase(text: string): string {
  let result = "";
  let previousCased = false;
  for (const character of text) {
    result += previousCased ? character.toLowerCase() : character.toUpperCase();
    previousCased = isCased(character);
  }
  return result;
}

/** `text.swapcase()`. */
export function swapCase(text: string): string {
  let result = "";
  for (const character of text) {
    const upper = character.toUpperCase();
    result += upper === character ? character.toLowerCase() : upper;
  }
  return result;
}

/** How to fill a text up to a width. */
export interface Padding {
  readonly width: number;
  readonly fill: string;
  readonly align: "center" | "ljust" | "rjust";
}

/** `text.center`, `text.ljust` and `text.rjust`. */
export function pad(text: string, padding: Padding): string {
  const size = textLength(text);
  const missing = padding.width - size;
  if (missing <= 0) return text;
  if (padding.align === "ljust") return text + padding.fill.repeat(missing);
  if (padding.align === "rjust") return padding.fill.repeat(missing) + text;
  // CPython puts the odd one left only when the width is odd too.
  const left = Math.floor(missing / 2) + (missing & padding.width & 1);
  return padding.fill.repeat(left) + text + padding.fill.repeat(missing - left);
}

/** `text.zfill(width)`. */
export function zeroFill(text: string, width: number): string {
  const missing = width - textLength(text);
  if (missing <= 0) return text;
  const sign = text.startsWith("-") || text.startsWith("+") ? text.slice(0, 1) : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

/** `text.expandtabs(size)`. */
export function expandTabs(text: string, size: number): string {
  let result = "";
  let column = 0;
  for (const character of text) {
    if (character === "\t") {
      const spaces = size > 0 ? size - (column % size) : 0;
      result += " ".repeat(spaces);
      column += spaces;
    } else {
      result += character;
      column = character === "\n" || character === "\r" ? 0 : column + 1;
    }
  }
  return result;
}
