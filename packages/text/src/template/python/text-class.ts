import { isAllSpace } from "./whitespace.ts";

const PATTERNS = {
  isalnum: /^[\p{L}\p{Nd}\p{No}\p{Nl}]+$/u,
  isalpha: /^\p{L}+$/u,
  // oxlint-disable-next-line no-control-regex -- the ASCII range
  isascii: /^[\x00-\x7f]*$/,
  isdecimal: /^\p{Nd}+$/u,
  isdigit: /^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]+$/u,
  isidentifier: /^[\p{ID_Start}_]\p{ID_Continue}*$/u,
  isnumeric: /^[\p{Nd}\p{No}\p{Nl}]+$/u,
} as const;

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const CASED = /[\p{Uppercase}\p{Lowercase}\p{Lt}]/u;

/** The `is…` methods of `str`. */
export type TextClass = keyof typeof PATTERNS | "islower" | "isprintable" | "isspace" | "istitle" | "isupper";

/** `text.isalnum()` and its relatives. */
export function classifyText(name: TextClass, text: string): boolean {
  switch (name) {
    case "isspace":
      return isAllSpace(text);
    case "isprintable":
      return !UNPRINTABLE.test(text);
    case "islower":
      return /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);
    case "isupper":
      return /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
    case "istitle":
      return isTitle(text);
    default:
      return PATTERNS[name].test(text);
  }
}

function isTitle(text: string): boolean {
  let previousCased = false;
  let found = false;
  for (const character of text) {
    if (/[\p{Uppercase}\p{Lt}]/u.test(character)) {
      if (previousCased) return false;
      previousCased = true;
      found = true;
    } else if (/\p{Lowercase}/u.test(character)) {
      if (!previousCased) return false;
      found = true;
    } else {
      previousCased = false;
    }
  }
  return found;
}

/** Whether a character has upper and lower case. */
export function isCased(character: string): boolean {
  return CASED.test(character);
}
