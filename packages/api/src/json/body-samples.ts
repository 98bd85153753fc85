/** The shortest beginning that is known again. */
export const SHORTEST_BEGINNING = 8192;

const SAMPLES = 32;

/** The lengths of the beginnings of which {@link beginningHashes} speaks: four in every doubling. */
export function beginningLength(index: number): number {
  return ((SHORTEST_BEGINNING * (4 + (index & 3))) / 4) * 2 ** (index >> 2);
}

/**
 * Hashes of the beginnings of a text of 8 KB and more: of few bytes each, so texts that begin otherwise may have the same.
 * The hash at an index is of {@link beginningLength} bytes.
 */
export function beginningHashes(bytes: Uint8Array): readonly number[] {
  const hashes: number[] = [];
  let hash = 0;
  let from = 0;
  for (;;) {
    const to = beginningLength(hashes.length);
    if (to > bytes.length) return hashes;
    const step = (to - from) / SAMPLES;
    for (let at = from; at < to; at += step) hash = mix(hash, bytes[at] as number);
    for (let at = to - SAMPLES; at < to; at++) hash = mix(hash, bytes[at] as number);
    hashes.push(hash);
    from = to;
  }
}

function mix(hash: number, byte: number): number {
  const mixed = Math.imul(hash ^ byte, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
