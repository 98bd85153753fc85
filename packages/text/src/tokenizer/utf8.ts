const lossyDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Text of bytes; each maximal broken sequence becomes one U+FFFD (as Rust's `from_utf8_lossy`). */
export function lossyText(bytes: Uint8Array): string {
  return lossyDecoder.decode(bytes);
}

/** Text of bytes that are valid UTF-8, else undefined. */
export function strictText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** One list of bytes after the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const joined = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** ECMAScript 2024; declared here because the packages are typed for 2023. */
interface WellFormedString {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** The text with every lone surrogate replaced by U+FFFD, as text becomes on its way into UTF-8. */
export function wellFormed(text: string): string {
  const string = text as unknown as WellFormedString;
  return string.isWellFormed() ? text : string.toWellFormed();
}

/** Number of code points of a text. */
export function codePointLength(text: string): number {
  let count = text.length;
  for (let index = 0; index + 1 < text.length; index++) {
    if ((text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
      count--;
      index++;
    }
  }
  return count;
}

/** Number of bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // A surrogate pair has two halves of two bytes each.
    if (unit < 0x80) count += 1;
    else if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) count += 2;
    else count += 3;
  }
  return count;
}

/**
 * Whether the lossy text of bytes ends with U+FFFD: in a sequence that is broken or not complete yet, or in a literal one.
 * Looks at the last few bytes only, since every lead byte starts afresh.
 */
export function endsInReplacement(bytes: ArrayLike<number>, length: number): boolean {
  let lead = length - 1;
  while (lead >= 0 && lead > length - 5 && isContinuation(bytes[lead] as number)) lead--;
  if (length === 0) return false;
  const first = lead >= 0 ? (bytes[lead] as number) : 0x80;
  const following = length - 1 - lead;
  if (first < 0x80) return following > 0;
  const needed = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : -1;
  if (first > 0xf4 || following !== needed) return true;
  const second = bytes[lead + 1] as number;
  if (first === 0xe0 && second < 0xa0) return true;
  if (first === 0xed && second > 0x9f) return true;
  if (first === 0xf0 && second < 0x90) return true;
  if (first === 0xf4 && second > 0x8f) return true;
  return first === 0xef && second === 0xbf && bytes[lead + 2] === 0xbd;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
