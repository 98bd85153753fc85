/** What counts as a repetition (`repetition_detection`). Numbers are whole. */
export interface RepetitionRule {
  /** Longest pattern in tokens; 0 switches the detection off. */
  readonly maxPatternSize: number;
  /** Shortest pattern in tokens; 0 means 1. */
  readonly minPatternSize: number;
  /** How many times in a row a pattern has to come; less than 2 switches the detection off. */
  readonly minCount: number;
}

/** Looks for a pattern at the end of a growing sequence of tokens. */
export interface RepetitionDetector {
  /**
   * Takes the next token.
   * @returns true when the sequence now ends in a pattern that repeats often enough
   */
  push(tokenId: number): boolean;
}

/**
 * Detects repetition as vLLM's scheduler does (`check_sequence_repetition`), in a step that looks only at the earlier
 * places of the same token instead of at every pattern size.
 *
 * Its memory is three numbers a token and two a pattern size that occurred.
 *
 * @param maxTokens Tokens the sequence can have at most: longer patterns need not be looked for.
 * @returns undefined when the rule can never fire
 */
export function createRepetitionDetector(
  rule: RepetitionRule,
  maxTokens: number,
): RepetitionDetector | undefined {
  const minSize = Math.max(rule.minPatternSize, 1);
  if (rule.minCount < 2) return undefined;
  const maxSize = Math.min(rule.maxPatternSize, Math.floor(maxTokens / rule.minCount));
  if (maxSize < minSize) return undefined;
  return new PeriodRuns({ minSize, maxSize, minCount: rule.minCount });
}

/**
 * A pattern of size p has come c times in a row exactly when the last p·(c-1) tokens each equal the one p before them.
 * For every p that length is kept as a run, which goes on when the new token equals the one p before it.
 */
class PeriodRuns implements RepetitionDetector {
  private readonly minSize: number;
  private readonly maxSize: number;
  private readonly repeats: number;
  private count = 0;
  private readonly lastPlace = new Map<number, number>();
  /** Per token, the place before it where the same token stood; -1 for none. */
  private previous = new Int32Array(64);
  /** Per pattern size, how long its run is, and the place where it ended. */
  private runLength = new Int32Array(64);
  private runEnd = new Int32Array(64).fill(-1);

  constructor(options: { readonly minSize: number; readonly maxSize: number; readonly minCount: number }) {
    this.minSize = options.minSize;
    this.maxSize = options.maxSize;
    this.repeats = options.minCount - 1;
  }

  push(tokenId: number): boolean {
    const place = this.count++;
    if (place === this.previous.length) this.previous = grown(this.previous, place + 1);
    let earlier = this.lastPlace.get(tokenId) ?? -1;
    this.lastPlace.set(tokenId, place);
    this.previous[place] = earlier;
    let isRepeated = false;
    while (earlier >= 0) {
      const size = place - earlier;
      if (size > this.maxSize) break;
      if (size >= this.minSize && this.lengthen(size, place) >= size * this.repeats) isRepeated = true;
      earlier = this.previous[earlier] as number;
    }
    return isRepeated;
  }

  private lengthen(size: number, place: number): number {
    if (size >= this.runLength.length) {
      this.runLength = grown(this.runLength, size + 1);
      this.runEnd = grown(this.runEnd, size + 1, -1);
    }
    const length = this.runEnd[size] === place - 1 ? (this.runLength[size] as number) + 1 : 1;
    this.runLength[size] = length;
    this.runEnd[size] = place;
    return length;
  }
}

function grown(array: Int32Array<ArrayBuffer>, atLeast: number, fill = 0): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(array.length * 2, atLeast));
  if (fill !== 0) larger.fill(fill, array.length);
  larger.set(array);
  return larger;
}
