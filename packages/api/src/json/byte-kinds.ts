/** What kinds of bytes a text has in it. */
export interface ByteKinds {
  /** A byte below 0x20 is there. */
  readonly hasControl: boolean;
  /** All are below 0x80. */
  readonly isAscii: boolean;
}

const TOP_BITS = 0x80808080 | 0;

/** Looks at bytes once, sixteen together. */
export function byteKinds(bytes: Uint8Array, start = 0, end = bytes.length): ByteKinds {
  let at = start;
  // The top bit of every byte: whether it was ever set, and whether one of the upper three always was.
  let seen = 0;
  let kept = TOP_BITS;
  const aligned = Math.min(end, start + (-(bytes.byteOffset + start) & 3));
  for (; at < aligned; at++) {
    const byte = bytes[at] as number;
    seen |= byte;
    if (byte < 0x20) kept = 0;
  }
  const words = (end - at) >> 2;
  if (words > 0) {
    const view = new Int32Array(bytes.buffer, bytes.byteOffset + at, words);
    let index = 0;
    for (const stop = words - 3; index < stop; index += 4) {
      const first = view[index] as number;
      const second = view[index + 1] as number;
      const third = view[index + 2] as number;
      const fourth = view[index + 3] as number;
      seen |= first | second | third | fourth;
      kept &= upper(first) & upper(second) & upper(third) & upper(fourth);
    }
    for (; index < words; index++) {
      const word = view[index] as number;
      seen |= word;
      kept &= upper(word);
    }
    at += words * 4;
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    seen |= byte;
    if (byte < 0x20) kept = 0;
  }
  return { hasControl: (kept & TOP_BITS) !== TOP_BITS, isAscii: (seen & TOP_BITS) === 0 };
}

/** The top bit of each of four bytes is set where one of its upper three bits was: where it is 0x20 or more. */
function upper(word: number): number {
  return word | (word << 1) | (word << 2);
}
