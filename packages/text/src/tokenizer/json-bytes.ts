/** What {@link JsonBytes} gives where the bytes are not what was asked for. */
export const NOT_THERE = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** What stands behind a backslash, and what it means. */
const escapes = new Uint8Array(256);
for (const [name, meaning] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  escapes[(name as string).charCodeAt(0)] = (meaning as string).charCodeAt(0);
}

/**
 * Goes through a JSON document in UTF-8 without making values of it. It knows the usual forms alone and says {@link NOT_THERE} to all
 * others (halves of characters, exponents, bytes that are no UTF-8): whoever asks then has the whole document parsed the slow way.
 */
export class JsonBytes {
  readonly #bytes: Uint8Array;
  /** Where the next byte is. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next byte that is no white space, which is not taken; {@link NOT_THERE} at the end. */
  peek(): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    let at = this.at;
    for (; at < length; at++) {
      const byte = bytes[at] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.at = at;
        return byte;
      }
    }
    this.at = at;
    return NOT_THERE;
  }

  /** Takes a mark such as `{` if it is next. */
  take(mark: number): boolean {
    if (this.peek() !== mark) return false;
    this.at++;
    return true;
  }

  /**
   * Takes a string and writes what it says as UTF-8 into `output`.
   *
   * @returns where it ends there; {@link NOT_THERE} also when there is no room
   */
  takeText(output: Uint8Array, begin: number): number {
    if (!this.take(QUOTE)) return NOT_THERE;
    const bytes = this.#bytes;
    const end = Math.min(bytes.length, this.at + output.length - begin);
    let used = begin;
    for (let at = this.at; at < end; at++) {
      let byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return used;
      }
      if (byte >= 0x80) {
        const more = followingBytes(bytes, at);
        if (more === 0 || at + more >= end) return NOT_THERE;
        for (let left = more; left > 0; left--) output[used++] = bytes[at++] as number;
        byte = bytes[at] as number;
      } else if (byte === BACKSLASH) {
        const name = bytes[++at] ?? 0;
        if (name === LETTER_U) {
          const code = escapedCode(bytes, at + 1);
          if (code < 0) return NOT_THERE;
          used = writeCode(code, output, used);
          at += code > 0xffff ? 10 : 4;
          continue;
        }
        byte = escapes[name] as number;
        if (byte === 0) return NOT_THERE;
      } else if (byte < 0x20) {
        return NOT_THERE;
      }
      output[used++] = byte;
    }
    return NOT_THERE;
  }

  /** Takes an integer of up to nine digits, not negative; else {@link NOT_THERE}. */
  takeInteger(): number {
    const bytes = this.#bytes;
    this.peek();
    const start = this.at;
    let value = 0;
    let at = start;
    for (; at < start + 10; at++) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const length = at - start;
    const isPlain = length > 0 && length < 10 && (length === 1 || bytes[start] !== 0x30);
    this.at = at;
    // What follows a number in its place is a comma, a bracket or white space: a point or an exponent are met by whoever takes those.
    return isPlain ? value : NOT_THERE;
  }

  /** Passes over one value of any kind, well-formed or not: whoever relies on it has it parsed. */
  skip(): boolean {
    const bytes = this.#bytes;
    let depth = 0;
    while (this.peek() !== NOT_THERE) {
      const byte = bytes[this.at] as number;
      if (byte === 0x2c || byte === 0x3a) {
        if (depth === 0) return false;
        this.at++;
        continue;
      }
      if (byte === QUOTE) {
        if (!this.#skipText()) return false;
      } else if (byte === 0x7b || byte === 0x5b) {
        depth++;
        this.at++;
        continue;
      } else if (byte === 0x7d || byte === 0x5d) {
        depth--;
        if (depth < 0) return false;
        this.at++;
      } else {
        this.#skipWord();
      }
      if (depth === 0) return true;
    }
    return false;
  }

  #skipText(): boolean {
    const bytes = this.#bytes;
    for (let at = this.at + 1; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === BACKSLASH) {
        at++;
      } else if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
    }
    return false;
  }

  /** Numbers, `true`, `false`, `null`. */
  #skipWord(): void {
    const bytes = this.#bytes;
    let at = this.at + 1;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      const isWord = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a);
      if (!isWord && byte !== 0x2b && byte !== 0x2d && byte !== 0x2e && byte !== 0x45) break;
    }
    this.at = at;
  }
}

/** The character that four hexadecimal digits stand for, with another escape behind them where it takes two; {@link NOT_THERE} for half of one. */
function escapedCode(bytes: Uint8Array, at: number): number {
  const unit = fourDigits(bytes, at);
  if ((unit & 0xf800) !== 0xd800 || unit < 0) return unit;
  if (unit >= 0xdc00 || bytes[at + 4] !== BACKSLASH || bytes[at + 5] !== LETTER_U) return NOT_THERE;
  const low = fourDigits(bytes, at + 6);
  return (low & 0xfc00) === 0xdc00 && low > 0 ? 0x10000 + ((unit - 0xd800) << 10) + low - 0xdc00 : NOT_THERE;
}

function fourDigits(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index++) {
    const byte = bytes[index] ?? 0;
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
    else return NOT_THERE;
  }
  return value;
}

/** Writes a character as UTF-8; returns where it ends. There is room: an escape is longer. */
function writeCode(code: number, output: Uint8Array, begin: number): number {
  let used = begin;
  if (code < 0x80) {
    output[used++] = code;
    return used;
  }
  if (code < 0x800) {
    output[used++] = 0xc0 | (code >> 6);
  } else {
    if (code < 0x10000) {
      output[used++] = 0xe0 | (code >> 12);
    } else {
      output[used++] = 0xf0 | (code >> 18);
      output[used++] = 0x80 | ((code >> 12) & 0x3f);
    }
    output[used++] = 0x80 | ((code >> 6) & 0x3f);
  }
  output[used++] = 0x80 | (code & 0x3f);
  return used;
}

/** How many bytes follow the first one of a character beyond ASCII; 0 where they do not. */
function followingBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const second = bytes[at + 1] ?? 0;
  if (!isFollowing(second)) return 0;
  if (first < 0xe0) return first < 0xc2 ? 0 : 1;
  if (!isFollowing(bytes[at + 2] ?? 0)) return 0;
  if (first < 0xf0) {
    // Written too long, or half of a surrogate pair.
    return (first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f) ? 0 : 2;
  }
  const isTooLong = first === 0xf0 && second < 0x90;
  const isTooHigh = first > 0xf4 || (first === 0xf4 && second > 0x8f);
  return isTooLong || isTooHigh || !isFollowing(bytes[at + 3] ?? 0) ? 0 : 3;
}

function isFollowing(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
