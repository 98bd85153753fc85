import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { Stretch } from "./encoding-draft.ts";
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

/** Encodes texts without lone surrogates, special frame not included. */
export interface EncodingPipeline {
  /** Appends the ids of a text. */
  encode(text: string, output: TokenBuffer): void;
  /** Appends the ids of a stretch of a {@link PipelineDraft}. */
  encodeStretch(stretch: Stretch, output: TokenBuffer): void;
  /** Takes a text apart and looks up what is known of it. */
  draft(text: string): PipelineDraft;
}

/** What is known of a text. */
export interface PipelineDraft {
  readonly unknown: readonly Stretch[];
  /** Appends the ids of the text, with those of its unknown stretches. */
  complete(ids: readonly Int32Array[], output: TokenBuffer): void;
}

/** The stages joined, with stretches that come again taken from a cache. */
export function createPipeline(stages: EncodingStages): EncodingPipeline {
  const { rawSplitter, normalizer, normalizedSplitter, encodeStretch } = stages;

  function encodeRaw({ text, isAtStart }: Stretch, output: TokenBuffer): void {
    const normalized = normalizer === undefined ? text : normalizer(text);
    normalizedSplitter.split(normalized, {
      token: (id) => output.push(id),
      text: (inner, start) => encodeStretch(inner, isAtStart && start === 0, output),
    });
  }

  // What begins a text may be encoded differently.
  const firsts = new StretchCache();
  const others = new StretchCache();

  return {
    encode(text, output) {
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
          encodeRaw({ text: stretch, isAtStart: start === 0 }, output);
          if (cache.wants(stretch)) cache.set(stretch, output.since(from));
        },
      });
    },
    encodeStretch: encodeRaw,
    draft(text) {
      const parts: (number | Int32Array | Stretch)[] = [];
      const unknown: Stretch[] = [];
      rawSplitter.split(text, {
        token: (id) => parts.push(id),
        text(stretch, start) {
          const isAtStart = start === 0;
          const known = (isAtStart ? firsts : others).get(stretch);
          if (known === undefined) unknown.push({ text: stretch, isAtStart });
          parts.push(known ?? (unknown.at(-1) as Stretch));
        },
      });
      return {
        unknown,
        complete(ids, output) {
          let next = 0;
          for (const part of parts) {
            if (typeof part === "number") output.push(part);
            else if (part instanceof Int32Array) output.pushBlock(part);
            else {
              const own = ids[next++] as Int32Array;
              output.pushBlock(own);
              const cache = part.isAtStart ? firsts : others;
              // Maybe a piece of something larger, which the cache would keep alive.
              if (cache.wants(part.text)) cache.set(part.text, own.slice());
            }
          }
        },
      };
    },
  };
}
