import { internalError } from "../api-error.ts";
import type { ChoiceOutput } from "../writer.ts";

/** One next-token logprob that is wanted of one item's prompt. */
export interface LabelRead {
  readonly item: number;
  /** The token to be forced; undefined to take the likeliest. */
  readonly label: number | undefined;
}

/**
 * The logprobs of labels as next tokens. An output tells the logprob of its own token and of some alternatives; what is
 * missing then has to be asked for by further prompts, one label each.
 */
export class LabelLogprobs {
  /** What the prompts are, in their order: prompt 0 is read for `reads[0]`, and so on. Add to it with {@link expect}. */
  readonly reads: LabelRead[];
  private readonly wanted: readonly (readonly number[])[];
  private readonly known: readonly Map<number, number>[];
  private readonly likeliest: (number | undefined)[];

  /** @param wanted labels of each item; `first` the first read of each */
  constructor(wanted: readonly (readonly number[])[], first: readonly (number | undefined)[]) {
    this.wanted = wanted;
    this.known = wanted.map(() => new Map<number, number>());
    this.reads = first.map((label, item) => ({ item, label }));
    this.likeliest = wanted.map(() => undefined);
  }

  /** Takes the output of a prompt. */
  take(choice: number, output: ChoiceOutput): void {
    const [position] = output.logprobs ?? [];
    const read = this.reads[choice];
    if (position === undefined || read === undefined) return;
    if (read.label === undefined) this.likeliest[read.item] = position.tokenId;
    const known = this.known[read.item] as Map<number, number>;
    for (const { tokenId, logprob } of [...position.top, position]) {
      if ((this.wanted[read.item] as readonly number[]).includes(tokenId)) known.set(tokenId, logprob);
    }
  }

  /** What no output has told yet. */
  missing(): readonly LabelRead[] {
    return this.known.flatMap((known, item) =>
      (this.wanted[item] as readonly number[])
        .filter((label) => !known.has(label))
        .map((label) => ({ item, label })),
    );
  }

  /** Says what further prompts will tell. */
  expect(reads: readonly LabelRead[]): void {
    this.reads.push(...reads);
  }

  /** Logprobs of an item's labels, in their order. @throws {@link ApiError} 500 when one is missing */
  of(item: number): readonly number[] {
    return (this.wanted[item] as readonly number[]).map((label) => {
      const logprob = this.known[item]?.get(label);
      if (logprob === undefined) {
        throw internalError(`Token IDs [${label}] not found in logprobs for item ${item}.`);
      }
      return logprob;
    });
  }

  /** The token that an item's unforced read took; undefined when there was none. */
  likeliestOf(item: number): number | undefined {
    return this.likeliest[item];
  }
}

/** Shares of the labels among themselves. */
export function labelShares(logprobs: readonly number[]): readonly number[] {
  const highest = Math.max(...logprobs);
  const weights = logprobs.map((logprob) => Math.exp(logprob - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** A writer whose answer is made of label logprobs. */
export interface LabelWriter {
  readonly labels: LabelLogprobs;
}
