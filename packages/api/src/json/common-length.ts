/** Whether two pieces of bytes of the same length are equal. */
export type EqualBytes = (left: Uint8Array, right: Uint8Array) => boolean;

/** A range no longer than this is compared byte by byte. */
const FEW = 64;

/**
 * How many bytes two texts begin with in common. No byte is compared more than about twice, wherever they differ.
 */
export function commonLength(left: Uint8Array, right: Uint8Array, equals: EqualBytes): number {
  let end = Math.min(left.length, right.length);
  if (equals(left.subarray(0, end), right.subarray(0, end))) return end;
  let start = 0;
  while (end - start > FEW) {
    const middle = (start + end) >>> 1;
    if (equals(left.subarray(start, middle), right.subarray(start, middle))) start = middle;
    else end = middle;
  }
  while (start < end && left[start] === right[start]) start++;
  return start;
}
