const LOWEST = 0x20202020;
const TOP_BITS = 0x80808080;
const WORD_BYTES = 4;
const WORDS_TOGETHER = 4;

/** What kinds of bytes a text has. */
export interface ByteKinds {
  /** Some are below 0x20. */
  readonly hasControls: boolean;
  /** All are below 0x80. */
  readonly isAscii: boolean;
}

/** Looks at all bytes, sixteen together. */
export function byteKinds(bytes: Uint8Array): ByteKinds {
  const { buffer, byteOffset, length } = bytes;
  const head = Math.min((WORD_BYTES - (byteOffset & 3)) & 3, length);
  const count = Math.floor((length - head) / (WORD_BYTES * WORDS_TOGETHER)) * WORDS_TOGETHER;
  let controls = 0;
  let all = 0;
  if (count > 0) {
    const words = new Int32Array(buffer, byteOffset + head, count);
    for (let index = 0; index < count; index += WORDS_TOGETHER) {
      const first = words[index] as number;
      const second = words[index + 1] as number;
      const third = words[index + 2] as number;
      const fourth = words[index + 3] as number;
      // A byte below 0x20 borrows from its own top bit; bytes above 0x7f are masked out. A borrow may also mark the
      // byte after a true hit, never a word without one.
      controls |=
        ((first - LOWEST) & ~first) |
        ((second - LOWEST) & ~second) |
        ((third - LOWEST) & ~third) |
        ((fourth - LOWEST) & ~fourth);
      all |= first | second | third | fourth;
    }
  }
  let hasControls = (controls & TOP_BITS) !== 0;
  const tail = head + count * WORD_BYTES;
  for (let at = head === 0 ? tail : 0; at < length; at = at + 1 === head ? tail : at + 1) {
    const byte = bytes[at] as number;
    hasControls ||= byte < 0x20;
    all |= byte;
  }
  return { hasControls, isAscii: (all & TOP_BITS) === 0 };
}
