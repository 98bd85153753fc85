import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { Normalizer } from "./normalizer-steps.ts";
import { StretchCache } from "./stretch-cache.ts";
import type { TokenBuffer } from "./token-buffer.ts";

/**
 * Appends the ids of a stretch of normalized text without added tokens.
 *
 * @param isAtStart Whether it stands at the beginning of what is encoded.
 */
export type StretchEncoder = (stretch: string, isAtStart: boolean, output: TokenBuffer) => void;

/** The stages a text passes on its way to ids; see the pipeline of the `tokenizers` library. */
export interface EncodingStages {
  /** Finds added tokens in the text as it came. */
  readonly rawSplitter: AddedTokenSplitter;
  readonly normalizer: Normalizer | undefined;
  /** Finds added tokens in the normalized text. */
  readonly normalizedSplitter: AddedTokenSplitter;
  /** Pre-tokenizer and model. */
  readonly encodeStretch: StretchEncoder;
}

/** A function that appends the ids of a text without lone surrogates, special frame not included. */
export function createPipeline(stages: EncodingStages): (text: string, output: TokenBuffer) => void {
  const { rawSplitter, normalizer, normalizedSplitter, encodeStretch } = stages;

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
          output.pushBlock(known);
          return;
        }
        const from = output.length;
        encodeRaw(stretch, start === 0, output);
        if (cache.wants(stretch)) cache.set(stretch, output.since(from));
      },
    });
  };
}
