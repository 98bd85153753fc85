import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { Normalizer } from "./normalizer-steps.ts";
import type { PreTokenizer } from "./pre-tokenizer.ts";
import { StretchCache } from "./stretch-cache.ts";
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

  function encodeRaw(stretch: string, isFirst: boolean, output: TokenBuffer): void {
    const normalized = normalizer === undefined ? stretch : normalizer(stretch);
    normalizedSplitter.split(normalized, {
      token: (id) => output.push(id),
      text: (inner, start) => encodeStretch(inner, isFirst && start === 0, output),
    });
  }

  // What begins a text may be encoded differently.
  const firsts = new StretchCache();
  const others = new StretchCache();

  return (text, output) => {
    rawSplitter.split(text, {
      token: (id) => output.push(id),
      text(stretch, start) {
        const cache = start === 0 ? firsts : others;
        const known = cache.get(stretch);
        if (known !== undefined) {
          output.pushAll(known);
          return;
        }
        const from = output.length;
        encodeRaw(stretch, start === 0, output);
        if (cache.wants(stretch)) cache.set(stretch, output.since(from));
      },
    });
  };
}
