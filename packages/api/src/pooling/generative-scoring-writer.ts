import { internalError, type ApiError } from "../api-error.ts";
import { JSON_CONTENT_TYPE } from "../response/response-options.ts";
import type { ChoiceOutput, ResponseIdentity, ResponseWriter } from "../writer.ts";
import { generativeScoringBody } from "./scoring-bodies.ts";

/** One next-token logprob that is wanted. */
export interface LabelRead {
  readonly item: number;
  readonly label: number;
}

/** Options of {@link createGenerativeScoringWriter}. */
export interface GenerativeScoringOptions {
  readonly identity: ResponseIdentity;
  /** Labels; the first one's probability is the score. At least one. */
  readonly labels: readonly number[];
  /** Whether a score is a share among the labels, or the model's own probability. */
  readonly applySoftmax: boolean;
  /** Prompt tokens of each item. */
  readonly promptTokens: readonly number[];
}

/**
 * Collects the logprobs of labels as next tokens. An output tells the logprob of its own token and of some alternatives;
 * what is missing then has to be asked for by further prompts, one label each.
 */
export interface GenerativeScoringWriter extends ResponseWriter {
  /** What the prompts are, in their order: prompt 0 is read for `reads[0]`, and so on. Add to it with {@link expect}. */
  readonly reads: readonly LabelRead[];
  /** What no output has told yet. */
  missing(): readonly LabelRead[];
  /** Says what further prompts will tell. */
  expect(reads: readonly LabelRead[]): void;
}

/** Renders a generative score. */
export function createGenerativeScoringWriter(options: GenerativeScoringOptions): GenerativeScoringWriter {
  return new ScoringCollector(options);
}

class ScoringCollector implements GenerativeScoringWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly reads: LabelRead[];
  private readonly options: GenerativeScoringOptions;
  private readonly wanted: readonly number[];
  private readonly known: readonly Map<number, number>[];

  constructor(options: GenerativeScoringOptions) {
    this.options = options;
    const first = options.labels[0] as number;
    this.wanted = options.applySoftmax ? [...new Set(options.labels)] : [first];
    this.known = options.promptTokens.map(() => new Map<number, number>());
    this.reads = options.promptTokens.map((_, item) => ({ item, label: first }));
  }

  prompt(): void {
    // Nothing of a prompt is shown.
  }

  output(choice: number, output: ChoiceOutput): string {
    const [position] = output.logprobs ?? [];
    const read = this.reads[choice];
    if (position === undefined || read === undefined) return "";
    const known = this.known[read.item] as Map<number, number>;
    for (const { tokenId, logprob } of [...position.top, position]) {
      if (this.wanted.includes(tokenId)) known.set(tokenId, logprob);
    }
    return "";
  }

  missing(): readonly LabelRead[] {
    return this.known.flatMap((known, item) =>
      this.wanted.filter((label) => !known.has(label)).map((label) => ({ item, label })),
    );
  }

  expect(reads: readonly LabelRead[]): void {
    this.reads.push(...reads);
  }

  end(): string {
    const { identity, promptTokens } = this.options;
    const answer = {
      id: identity.id,
      model: identity.model,
      scores: this.known.map((known, item) => this.score(known, item)),
      promptTokens: promptTokens.reduce((sum, count) => sum + count, 0),
    };
    return generativeScoringBody(answer, {
      created: identity.created,
      completionTokens: promptTokens.length,
    });
  }

  error(error: ApiError): string {
    throw error;
  }

  private score(known: ReadonlyMap<number, number>, item: number): number {
    const logprobs = this.wanted.map((label) => {
      const logprob = known.get(label);
      if (logprob === undefined) {
        throw internalError(`Token IDs [${label}] not found in logprobs for item ${item}.`);
      }
      return logprob;
    });
    const first = logprobs[0] as number;
    if (!this.options.applySoftmax) return Math.exp(first);
    const highest = Math.max(...logprobs);
    const weights = logprobs.map((logprob) => Math.exp(logprob - highest));
    return (weights[0] as number) / weights.reduce((sum, weight) => sum + weight, 0);
  }
}
