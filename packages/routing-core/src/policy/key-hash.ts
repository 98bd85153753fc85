/** A 32-bit hash (unsigned) of a string's UTF-16 units; murmur3's mixing and finaliser. Stable across versions. */
export function hashString(value: string, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < value.length; index += 1) {
    hash = mix(hash, value.charCodeAt(index));
  }
  return finish(hash ^ value.length);
}

/** A 32-bit hash (unsigned) of whole numbers, such as token ids. */
export function hashIntegers(values: ArrayLike<number>, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < values.length; index += 1) {
    hash = mix(hash, values[index]!);
  }
  return finish(hash ^ values.length);
}

/** Hashes one more number into a hash. */
export function hashPair(hash: number, value: number): number {
  return finish(mix(hash, value));
}

function mix(hash: number, value: number): number {
  let word = Math.imul(value, 0xcc9e2d51);
  word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
  const mixed = hash ^ word;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
