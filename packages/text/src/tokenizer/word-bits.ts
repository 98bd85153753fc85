/** The highest bit of each of four bytes. */
const HIGH = 0x80808080 | 0;

/** The highest bit of each of four bytes that is no small ASCII letter. */
export function othersOf(bytes: number): number {
  const low = bytes & ~HIGH;
  return ~((low + 0x1f1f1f1f) & ~(low + 0x05050505) & ~bytes) & HIGH;
}

/** Of a word of up to 16 bytes, by its two halves; the length is added to its third number. */
export function shortHash(low: number, high: number): number {
  const hash = low ^ high;
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** Of the first eight bytes of a word. */
export function lowHalf(first: number, second: number): number {
  return Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
}

/** Of the second eight bytes of a word. */
export function highHalf(third: number, fourth: number): number {
  return Math.imul(third, 0xc2b2ae35) ^ Math.imul(fourth, 0x27d4eb2f);
}

function mix(left: number, right: number): number {
  let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d);
}

/** Of a word above 16 bytes, four of them in a number. */
export function longHash(key: Int32Array, length: number): number {
  let hash = length;
  for (let index = 0; index < length; index++)
    hash = Math.imul(hash ^ (key[index] as number), 0x01000193) ^ (hash >>> 15);
  return mix(hash, length);
}
