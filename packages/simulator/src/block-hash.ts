import { mix } from "./token-hash.ts";

/** The hash of a full KV block: signed 64 bits, as KV events carry it. Chained over all blocks before it. */
export type BlockHash = bigint;

const bits = new BigInt64Array(1);
const halves = new Int32Array(bits.buffer);

/**
 * Hashes the block of `size` tokens that begins at `start`. `parent` is the block before it, or the engine's own
 * starting value: like vLLM's, hashes of two engines have nothing in common.
 */
export function blockHash(
  parent: BlockHash,
  tokens: ArrayLike<number>,
  block: { start: number; size: number },
): BlockHash {
  bits[0] = parent;
  let low = halves[0] ?? 0;
  let high = (halves[1] ?? 0) ^ 0x2545_f491;
  for (let index = block.start; index < block.start + block.size; index++) {
    const token = tokens[index] ?? 0;
    low = mix(low, token);
    high = mix(high ^ (low >>> 3), token ^ 0x3c6e_f372);
  }
  halves[0] = low;
  halves[1] = high;
  return bits[0];
}
