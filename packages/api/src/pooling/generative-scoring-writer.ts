import type { ApiError } from "../api-error.ts";
import { JSON_CONTENT_TYPE } from "../response/response-options.ts";
import type { ChoiceOutput, ResponseIdentity, ResponseWriter } from "../writer.ts";
import { LabelLogprobs, labelShares, type LabelWriter } from "./label-logprobs.ts";
import { generativeScoringBody } from "./scoring-bodies.ts";

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

/** Renders a generative score. */
export function createGenerativeScoringWriter(
  options: GenerativeScoringOptions,
): LabelWriter & ResponseWriter {
  return new ScoringCollector(options);
}

class ScoringCollector implements LabelWriter, ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly labels: LabelLogprobs;
  private readonly options: GenerativeScoringOptions;

  constructor(options: GenerativeScoringOptions) {
    this.options = options;
    const first = options.labels[0] as number;
    const wanted = options.applySoftmax ? [...new Set(options.labels)] : [first];
    this.labels = new LabelLogprobs(
      options.promptTokens.map(() => wanted),
      options.promptTokens.map(() => first),
    );
  }

  prompt(): void {
    // Nothing of a prompt is shown.
  }

  output(choice: number, output: ChoiceOutput): string {
    this.labels.take(choice, output);
    return "";
  }

  end(): string {
    const { identity, promptTokens } = this.options;
    const answer = {
      id: identity.id,
      model: identity.model,
      scores: promptTokens.map((_, item) => this.score(this.labels.of(item))),
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

  private score(logprobs: readonly number[]): number {
    return this.options.applySoftmax ? (labelShares(logprobs)[0] as number) : Math.exp(logprobs[0] as number);
  }
}
