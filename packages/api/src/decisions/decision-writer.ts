import type { ApiError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { LabelLogprobs, labelShares, type LabelWriter } from "../pooling/label-logprobs.ts";
import { JSON_CONTENT_TYPE } from "../response/response-options.ts";
import type { ChoiceOutput, ResponseIdentity, ResponseWriter } from "../writer.ts";
import type { DecisionQuestion } from "./decision-questions.ts";

/** Options of {@link createDecisionWriter}. */
interface DecisionOptions {
  readonly identity: ResponseIdentity;
  readonly questions: readonly DecisionQuestion[];
  /** Token of each question's labels. */
  readonly labelIds: readonly (readonly number[])[];
  /** Prompt tokens of each question. */
  readonly promptTokens: readonly number[];
}

/** Renders the answers of a structured decision. */
export function createDecisionWriter(options: DecisionOptions): LabelWriter & ResponseWriter {
  return new DecisionCollector(options);
}

class DecisionCollector implements LabelWriter, ResponseWriter {
  readonly contentType = JSON_CONTENT_TYPE;
  readonly labels: LabelLogprobs;
  private readonly options: DecisionOptions;

  constructor(options: DecisionOptions) {
    this.options = options;
    this.labels = new LabelLogprobs(
      options.labelIds,
      options.labelIds.map(() => undefined),
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
    const { identity, questions, labelIds, promptTokens } = this.options;
    const reads = questions.map((question, index) => {
      const logprobs = this.labels.of(index);
      const mass = logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);
      const likeliest = this.labels.likeliestOf(index);
      const isLabel = likeliest !== undefined && (labelIds[index] ?? []).includes(likeliest);
      const id = quoteJson(question.id);
      return {
        answer: `${id}:${answerText(question, labelShares(logprobs), mass)}`,
        diagnostics: `${id}:{"label_mass":${pythonFloat(mass)},"argmax_is_label":${isLabel}}`,
      };
    });
    const inputTokens = promptTokens.reduce((sum, count) => sum + count, 0);
    return (
      `{"id":${quoteJson(identity.id)},"object":"structured_decision","created":${identity.created},` +
      `"model":${quoteJson(identity.model)},"answers":{${reads.map(({ answer }) => answer).join(",")}},` +
      `"usage":{"input_tokens":${inputTokens},"output_tokens":${questions.length}},` +
      `"diagnostics":{${reads.map(({ diagnostics }) => diagnostics).join(",")}}}`
    );
  }

  error(error: ApiError): string {
    throw error;
  }
}

function answerText(question: DecisionQuestion, shares: readonly number[], mass: number): string {
  const { kind, options } = question;
  const best = Math.max(...shares);
  const names = kind === "score" ? options.map((_, level) => String(level)) : options.map(({ name }) => name);
  const probabilities = `"probabilities":${members(names, shares.map(pythonFloat))}`;
  const end = `${probabilities},"confidence":${pythonFloat(best * mass)}}`;
  switch (kind) {
    case "choice":
      return `{"type":"choice","choice":${quoteJson(options[shares.indexOf(best)]?.name ?? "")},${end}`;
    case "noul":
      return `{"type":"noul","noul":${pythonFloat(shares[0] ?? 0)},${end}`;
    case "score": {
      const score = shares.reduce((sum, share, level) => sum + level * share, 0);
      const legend = members(
        names,
        options.map(({ name }) => quoteJson(name)),
      );
      return `{"type":"score","score":${pythonFloat(score)},"legend":${legend},${end}`;
    }
  }
}

function members(names: readonly string[], values: readonly string[]): string {
  return `{${names.map((name, index) => `${quoteJson(name)}:${values[index]}`).join(",")}}`;
}
