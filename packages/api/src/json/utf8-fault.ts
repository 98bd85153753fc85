/** First and last continuation byte that may follow a first byte, where not all of them may. */
const SECOND_BYTES: Readonly<Record<number, readonly [first: number, last: number]>> = {
  0xe0: [0xa0, 0xbf],
  0xed: [0x80, 0x9f],
  0xf0: [0x90, 0xbf],
  0xf4: [0x80, 0x8f],
};

/**
 * What Python says of the first bytes that are no UTF-8, halves of surrogate pairs allowed; undefined where all of them
 * are.
 */
export function utf8Fault(bytes: Uint8Array): string | undefined {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    if (first < 0x80) {
      at++;
      continue;
    }
    const length = characterLength(first);
    if (length === 0) return told(bytes, { start: at, end: at + 1 }, "invalid start byte");
    let valid = 1;
    while (valid < length && isContinuation(bytes, at, valid)) valid++;
    if (valid === length) at += length;
    else {
      const reason = at + valid >= bytes.length ? "unexpected end of data" : "invalid continuation byte";
      return told(bytes, { start: at, end: at + valid }, reason);
    }
  }
  return undefined;
}

/** Bytes of a character by its first one, 0 where none begins with it. */
function characterLength(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function isContinuation(bytes: Uint8Array, at: number, index: number): boolean {
  const byte = bytes[at + index] ?? 0;
  if (index > 1) return byte >= 0x80 && byte <= 0xbf;
  const first = bytes[at] ?? 0;
  const isSurrogate = first === 0xed && byte >= 0xa0 && (bytes[at + 2] ?? 0) >> 6 === 2;
  const [low, high] = (isSurrogate ? undefined : SECOND_BYTES[first]) ?? [0x80, 0xbf];
  return byte >= low && byte <= high;
}

function told(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  reason: string,
): string {
  const what =
    end === start + 1
      ? `byte 0x${(bytes[start] ?? 0).toString(16)} in position ${start}`
      : `bytes in position ${start}-${end - 1}`;
  return `'utf-8' codec can't decode ${what}: ${reason}`;
}
