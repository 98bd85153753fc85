import { quoteJson } from "../json/string-text.ts";
import { jsonFloat, poolingUsage } from "./pooling-bodies.ts";

/** What the answers of scoring requests share. */
export interface ScoringAnswer {
  readonly id: string;
  readonly model: string;
  /** One per pair, in the order of the documents. */
  readonly scores: readonly number[];
  /** Tokens of every prompt that was computed. */
  readonly promptTokens: number;
}

/** Body of `POST /score`. @throws {@link ApiError} for a score that is no number. */
export function scoreBody(answer: ScoringAnswer, created: number): string {
  return scoreListBody(answer, { created, usage: poolingUsage(answer.promptTokens) });
}

/** Body of `POST /generative_scoring`, which generates one token per item. @throws {@link ApiError} */
export function generativeScoringBody(
  answer: ScoringAnswer,
  { created, completionTokens }: { readonly created: number; readonly completionTokens: number },
): string {
  const { promptTokens } = answer;
  const usage =
    `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + completionTokens},` +
    `"completion_tokens":${completionTokens},"prompt_tokens_details":null,"completion_tokens_details":null}`;
  return scoreListBody(answer, { created, usage });
}

function scoreListBody(
  answer: ScoringAnswer,
  { created, usage }: { readonly created: number; readonly usage: string },
): string {
  const items = answer.scores.map(
    (score, index) => `{"index":${index},"object":"score","score":${jsonFloat(score)}}`,
  );
  return (
    `{"id":${quoteJson(answer.id)},"object":"list","created":${created},"model":${quoteJson(answer.model)},` +
    `"data":[${items.join(",")}],"usage":${usage}}`
  );
}

/**
 * Body of `POST /rerank`: best first, equal ones in the documents' order. `topN` 0 keeps all.
 *
 * @throws {@link ApiError} for a score that is no number.
 */
export function rerankBody(answer: ScoringAnswer, documents: readonly string[], topN: number): string {
  const { scores, promptTokens } = answer;
  const order = scores
    .map((_, index) => index)
    .toSorted((left, right) => (scores[right] as number) - (scores[left] as number));
  const kept = topN > 0 ? order.slice(0, topN) : order;
  const results = kept.map(
    (index) =>
      `{"index":${index},"document":{"text":${quoteJson(documents[index] ?? "")},"multi_modal":null},` +
      `"relevance_score":${jsonFloat(scores[index] as number)}}`,
  );
  return (
    `{"id":${quoteJson(answer.id)},"model":${quoteJson(answer.model)},` +
    `"usage":{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens}},"results":[${results.join(",")}]}`
  );
}
