import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { Normalizer } from "./normalizer-steps.ts";
import type { PreTokenizer } from "./pre-tokenizer.ts";
import type { TokenBuffer } from "./token-buffer.ts";

/** The stages a text passes on its way to ids; see the pipeline of the `tokenizers` library. */
export interface EncodingStages {
  /** Finds added tokens in the text as it came. */
  readonly rawSplitter: AddedTokenSplitter;
  readonly normalizer: Normalizer | undefined;
  /** Finds added tokens in the normalized text. */
  readonly normalizedSplitter: AddedTokenSplitter;
  readonly preTokenizer: PreTokenizer;
  /** Appends the ids of one word. */
  encodeWord(word: string, output: TokenBuffer): void;
}

/** A function that appends the ids of a text without lone surrogates, special frame not included. */
export function createPipeline(stages: EncodingStages): (text: string, output: TokenBuffer) => void {
  const { rawSplitter, normalizer, normalizedSplitter, preTokenizer } = stages;

  function encodeStretch(text: string, isAtStart: boolean, output: TokenBuffer): void {
    const words = preTokenizer.split(text, isAtStart);
    for (let index = 0; index < words.length; index++) stages.encodeWord(words[index] as string, output);
  }

  return (text, output) => {
    rawSplitter.split(text, {
      token: (id) => output.push(id),
      text(stretch, start) {
        const normalized = normalizer === undefined ? stretch : normalizer(stretch);
        normalizedSplitter.split(normalized, {
          token: (id) => output.push(id),
          text: (inner, innerStart) => encodeStretch(inner, start === 0 && innerStart === 0, output),
        });
      },
    });
  };
}
