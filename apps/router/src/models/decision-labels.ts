import { DECISION_LABELS } from "@vllm-router/api";
import type { Tokenizer } from "@vllm-router/text";

/** The classes of models whose next token vLLM reads for structured decisions. */
const READ_BY_NEXT_TOKEN: ReadonlySet<string> = new Set([
  "Qwen3ForCausalLM",
  "Qwen3_5ForConditionalGeneration",
  "Qwen3_5MoeForConditionalGeneration",
]);

/** How a model's prompts end, and the token each label is as the first of a reply. */
export interface DecisionLabels {
  /** Ids after the last added token of every prompt. */
  readonly tail: readonly number[];
  readonly ids: ReadonlyMap<string, number>;
}

/** True for a model of a class that vLLM makes structured decisions with, by its next token. */
export function isReadByNextToken(architecture: string | undefined): boolean {
  return READ_BY_NEXT_TOKEN.has(architecture ?? "");
}

/**
 * Finds the labels' tokens after a prompt.
 * @returns undefined where a label is not one distinct token there: then the model cannot decide
 */
export function findDecisionLabels(tokenizer: Tokenizer, prompt: Int32Array): DecisionLabels | undefined {
  const tail = promptTail(tokenizer, prompt);
  const text = tokenizer.decode(tail, { skipSpecialTokens: false });
  const ids = new Map<string, number>();
  for (const labels of Object.values(DECISION_LABELS)) {
    const ofKind = new Set<number>();
    for (const label of labels) {
      const extended = tokenizer.encode(text + label, false);
      const id = extended.at(-1);
      const isOne = extended.length === tail.length + 1 && tail.every((known, at) => extended[at] === known);
      if (id === undefined || !isOne || ofKind.has(id)) {
        return undefined;
      }
      ofKind.add(id);
      ids.set(label, id);
    }
  }
  return { tail, ids };
}

/** Whether a prompt ends as the one the labels were found with. */
export function endsInTail(prompt: Int32Array, { tail }: DecisionLabels): boolean {
  const start = prompt.length - tail.length;
  return start >= 0 && tail.every((id, at) => prompt[start + at] === id);
}

function promptTail(tokenizer: Tokenizer, prompt: Int32Array): readonly number[] {
  const lastAdded = prompt.findLastIndex((id) => tokenizer.addedTokenText(id) !== undefined);
  return [...prompt.subarray(lastAdded + 1)];
}
