import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { Stretch } from "./encoding-draft.ts";
import type { Normalizer } from "./normalizer-steps.ts";
import type { StretchMemory } from "./stretch-memory.ts";
import { TokenBuffer } from "./token-buffer.ts";
import type { UnitRange } from "./text-units.ts";
import { wellFormed } from "./utf8.ts";

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
  /** Appends the ids of units of the text as it came, all stages but the first; gives false where it cannot. Undefined where it never can. */
  readonly encodeUnits: ((units: UnitRange, output: TokenBuffer) => boolean) | undefined;
}

/** Encodes texts, special frame not included. Lone surrogates count as U+FFFD. */
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

/** The stages joined, with stretches that come again taken from memory. */
export function createPipeline(stages: EncodingStages, memory: StretchMemory): EncodingPipeline {
  const { rawSplitter, normalizer, normalizedSplitter, encodeStretch, encodeUnits } = stages;

  function encodeRaw({ text: given, isAtStart }: Stretch, output: TokenBuffer): void {
    const text = wellFormed(given);
    const normalized = normalizer === undefined ? text : normalizer(text);
    normalizedSplitter.split(normalized, {
      token: (id) => output.push(id),
      text(start, end) {
        const inner = end - start === normalized.length ? normalized : normalized.slice(start, end);
        encodeStretch(inner, isAtStart && start === 0, output);
      },
    });
  }

  /** What is known of a text that is taken apart. */
  const drafted = new TokenBuffer();

  /** Hands over what is known of a text, and the places of its other stretches in the text that it returns, in turn. */
  function take(
    given: string,
    known: TokenBuffer,
    unknown: (text: string, start: number, end: number) => void,
  ): void {
    // What is known is not searched for lone surrogates: it was, and had the same ones.
    const text = rawSplitter.mindsLoneSurrogates ? wellFormed(given) : given;
    memory.take(text);
    rawSplitter.split(text, {
      token: (id) => known.push(id),
      text(start, end) {
        memory.ask(start, end, start === 0);
        if (!memory.append(known)) unknown(text, start, end);
      },
    });
    memory.trim();
  }

  function stretchOf(text: string, start: number, end: number): Stretch {
    return { text: text.slice(start, end), isAtStart: start === 0 };
  }

  return {
    encode(given, output) {
      take(given, output, (text, start, end) => {
        const from = output.length;
        const units = encodeUnits && memory.range(start, end);
        if (!(units && encodeUnits(units, output))) encodeRaw(stretchOf(text, start, end), output);
        memory.keep(output, from);
      });
    },
    encodeStretch(stretch, output) {
      memory.take(stretch.text);
      const units = encodeUnits && memory.range(0, stretch.text.length);
      if (!(units && encodeUnits(units, output))) encodeRaw(stretch, output);
      memory.trim();
    },
    draft(text) {
      const unknown: Stretch[] = [];
      /** How many ids are known before each unknown stretch. */
      const gaps: number[] = [];
      take(text, drafted, (whole, start, end) => {
        unknown.push(stretchOf(whole, start, end));
        gaps.push(drafted.length);
      });
      const known = drafted.take();
      return {
        unknown,
        complete(ids, output) {
          let done = 0;
          for (const [index, stretch] of unknown.entries()) {
            output.pushRange(known, done, gaps[index] as number);
            done = gaps[index] as number;
            const from = output.length;
            output.pushBlock(ids[index] as Int32Array);
            memory.take(stretch.text);
            memory.ask(0, stretch.text.length, stretch.isAtStart);
            memory.keep(output, from);
          }
          output.pushRange(known, done, known.length);
          memory.trim();
        },
      };
    },
  };
}
