/**
 * Mixes one value into a 32-bit state (the multiply-and-fold rounds of MurmurHash3's finaliser). Not cryptographic;
 * the same input gives the same output on every machine.
 */
export function mix(state: number, value: number): number {
  let hash = Math.imul(state ^ value, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  return ((hash ^ (hash >>> 16)) + 0x9e37_79b9) | 0;
}

/** A number in [0, 1) drawn from a 32-bit state. */
export function unitInterval(state: number): number {
  return (mix(state, 0x5bd1_e995) >>> 0) / 0x1_0000_0000;
}
