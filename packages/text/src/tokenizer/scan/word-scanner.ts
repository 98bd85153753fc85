import { characterAt, LENGTH_SHIFT, NEWLINE, SPACE } from "./character-class.ts";

/**
 * Where the word ends that begins at `start`, in the valid UTF-8 of `bytes` up to `end`. Gives what one known pattern of
 * `tokenizer.json` gives, in time proportional to the length of the text.
 */
export interface WordScanner {
  (bytes: Uint8Array, start: number, end: number): number;
  /**
   * Whether a large letter ends a word of small ones and an apostrophe may not. For every other scanner ASCII letters, with a blank before them
   * maybe, are one word up to the next ASCII character that is no letter.
   */
  readonly isCased?: boolean;
}

/** A scanner over the characters that have one of the classes `some` (0: all) and none of the classes `none`. */
export function runOf(some: number, none: number): WordScanner {
  return (bytes, start, end) => {
    let at = start;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & none) !== 0 || (some !== 0 && (character & some) === 0)) return at;
      at += character >>> LENGTH_SHIFT;
    }
    return at;
  };
}

/** A scanner over the letters of a class; of ASCII text it looks at nothing but the bytes. */
export function lettersOf(some: number): WordScanner {
  const others = runOf(some, 0);
  return (bytes, start, end) => {
    let at = start;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte >= 0x80) return others(bytes, at, end);
      const letter = byte | 0x20;
      if (letter < 0x61 || letter > 0x7a) return at;
      at++;
    }
    return at;
  };
}

/** A scanner over at most `count` characters of a class. */
export function fewOf(some: number, count: number): WordScanner {
  return (bytes, start, end) => {
    let at = start;
    for (let left = count; left > 0 && at < end; left--) {
      const character = characterAt(bytes, at);
      if ((character & some) === 0) return at;
      at += character >>> LENGTH_SHIFT;
    }
    return at;
  };
}

/**
 * `\s*[\r\n]+|\s+(?!\S)|\s+` (without its first part when `newlines` is off) where a space is: up to the last newline of the
 * run of spaces, else all of the run but its last character, which belongs to the word that follows.
 *
 * @param stop Classes at which the text counts as ended, because an earlier pattern has split it there.
 */
export function spacesOf(newlines: boolean, stop: number): WordScanner {
  return (bytes, start, end) => {
    let at = start;
    let last = start;
    let afterNewline = 0;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & SPACE) === 0) {
        if (newlines && afterNewline > 0) return afterNewline;
        return last === start || (character & stop) !== 0 ? at : last;
      }
      last = at;
      at += character >>> LENGTH_SHIFT;
      if ((character & NEWLINE) !== 0) afterNewline = at;
    }
    return newlines && afterNewline > 0 ? afterNewline : at;
  };
}

/**
 * A scanner over `s`, `t`, `re`, `ve`, `m`, `ll` or `d`, which stand after an apostrophe; it gives -1 where none of them is.
 */
export function contractionOf(rule: { ignoreCase: boolean }): WordScanner {
  const fold = rule.ignoreCase ? 0x20 : 0;
  return (bytes, start, end) => {
    if (start >= end) return -1;
    switch ((bytes[start] as number) | fold) {
      case 0x73: // s
      case 0x74: // t
      case 0x6d: // m
      case 0x64: // d
        return start + 1;
      case 0x72: // r
      case 0x76: // v
        return start + 1 < end && ((bytes[start + 1] as number) | fold) === 0x65 ? start + 2 : -1;
      case 0x6c: // l
        return start + 1 < end && ((bytes[start + 1] as number) | fold) === 0x6c ? start + 2 : -1;
      default:
        // ſ (U+017F) is an s without case.
        return rule.ignoreCase && bytes[start] === 0xc5 && bytes[start + 1] === 0xbf ? start + 2 : -1;
    }
  };
}
