/** What kinds of bytes a text has in it. */
export interface ByteKinds {
  /** A byte below 0x20 is there. */
  readonly hasControl: boolean;
  /** All are below 0x80. */
  readonly isAscii: boolean;
}

const CONTROL: ByteKinds = { hasControl: true, isAscii: false };
const ASCII_CONTROL: ByteKinds = { hasControl: true, isAscii: true };
const ASCII: ByteKinds = { hasControl: false, isAscii: true };
const OTHER: ByteKinds = { hasControl: false, isAscii: false };

/** Looks at bytes once, sixteen together. */
export function byteKinds(bytes: Uint8Array, start = 0, end = bytes.length): ByteKinds {
  let at = start;
  let seen = 0;
  let control = 0;
  const aligned = Math.min(end, start + (-(bytes.byteOffset + start) & 3));
  for (; at < aligned; at++) {
    const byte = bytes[at] as number;
    seen |= byte;
    if (byte < 0x20) control = 0x80;
  }
  const words = (end - at) >> 2;
  if (words > 0) {
    const view = new Int32Array(bytes.buffer, bytes.byteOffset + at, words);
    let index = 0;
    // A byte below 0x20 borrows from its own top bit; bytes above 0x7f are masked out. A borrow may also mark the byte
    // after a true hit, never a word without one.
    for (const stop = words - 3; index < stop; index += 4) {
      const first = view[index] as number;
      const second = view[index + 1] as number;
      const third = view[index + 2] as number;
      const fourth = view[index + 3] as number;
      seen |= first | second | third | fourth;
      control |=
        ((first - 0x20202020) & ~first) |
        ((second - 0x20202020) & ~second) |
        ((third - 0x20202020) & ~third) |
        ((fourth - 0x20202020) & ~fourth);
    }
    for (; index < words; index++) {
      const word = view[index] as number;
      seen |= word;
      control |= (word - 0x20202020) & ~word;
    }
    at += words * 4;
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    seen |= byte;
    if (byte < 0x20) control = 0x80;
  }
  const isAscii = (seen & 0x80808080) === 0;
  if ((control & 0x80808080) !== 0) return isAscii ? ASCII_CONTROL : CONTROL;
  return isAscii ? ASCII : OTHER;
}
