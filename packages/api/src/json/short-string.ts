const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MOST_BYTES = 24;
const PLACES = 512;

/** Names and roles that were seen: they come again with every request. */
const seen: string[] = Array.from({ length: PLACES }, () => "");

/**
 * A string of few plain characters of ASCII, of which the first is at `begin`; undefined for any other. The same names
 * are not made anew each time.
 */
export function shortString(bytes: Uint8Array, begin: number): string | undefined {
  const limit = Math.min(begin + MOST_BYTES, bytes.length - 1);
  let hash = 0;
  let at = begin;
  for (;;) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) break;
    if (at >= limit || byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return undefined;
    hash = (Math.imul(hash, 31) + byte) | 0;
    at++;
  }
  const place = (hash ^ (hash >>> 9)) & (PLACES - 1);
  const known = seen[place] as string;
  if (known.length === at - begin && isAt(bytes, begin, known)) return known;
  let text = "";
  for (let index = begin; index < at; index++) text += String.fromCharCode(bytes[index] as number);
  seen[place] = text;
  return text;
}

function isAt(bytes: Uint8Array, begin: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[begin + index]) return false;
  }
  return true;
}
