/** A place at which a text can be taken up again. */
export interface EncodingCut {
  /** Code units of the text before it. */
  readonly units: number;
  /** Ids before it. */
  readonly ids: number;
}

/** Ids of a text, without special tokens around them, and where encoding can go on when another text begins like this one. */
export interface CutEncoding {
  readonly tokenIds: Int32Array;
  /** The {@link EncodingCut}s, ascending, each as two numbers: units, ids. None is at the beginning of the text. */
  readonly cuts: Int32Array;
}

/** The last cut that has no more than a number of units before it. */
export function lastCutWithin({ cuts }: CutEncoding, mostUnits: number): EncodingCut | undefined {
  const count = countWithin(cuts, mostUnits);
  if (count === 0) return undefined;
  return { units: cuts[count * 2 - 2] as number, ids: cuts[count * 2 - 1] as number };
}

/**
 * The encoding of a text that begins like an earlier one: what `encodeWithCuts` gives of it, cuts included.
 *
 * @param cut What `lastCut` of the tokenizer gives for the earlier text's encoding and what the two texts share.
 * @param tail The encoding of the text from the cut on.
 */
export function continueEncoding(earlier: CutEncoding, cut: EncodingCut, tail: CutEncoding): CutEncoding {
  const tokenIds = new Int32Array(cut.ids + tail.tokenIds.length);
  tokenIds.set(earlier.tokenIds.subarray(0, cut.ids));
  tokenIds.set(tail.tokenIds, cut.ids);
  const kept = countWithin(earlier.cuts, cut.units) * 2;
  const cuts = new Int32Array(kept + tail.cuts.length);
  cuts.set(earlier.cuts.subarray(0, kept));
  for (let index = 0; index < tail.cuts.length; index += 2) {
    cuts[kept + index] = cut.units + (tail.cuts[index] as number);
    cuts[kept + index + 1] = cut.ids + (tail.cuts[index + 1] as number);
  }
  return { tokenIds, cuts };
}

/** How many cuts have no more than a number of units before them. */
function countWithin(cuts: Int32Array, mostUnits: number): number {
  let low = 0;
  let high = cuts.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cuts[middle * 2] as number) <= mostUnits) low = middle + 1;
    else high = middle;
  }
  return low;
}
