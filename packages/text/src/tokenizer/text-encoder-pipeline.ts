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
  /** Appends the ids of a text; to `cuts`, if they are wanted, the cuts of a `CutEncoding`, for an output that was empty. */
  encode(text: string, output: TokenBuffer, cuts?: TokenBuffer): void;
  /** Appends the ids of a stretch of a {@link PipelineDraft}. */
  encodeStretch(stretch: Stretch, output: TokenBuffer): void;
  /** Takes a text apart and looks up what is known of it. */
  draft(text: string): PipelineDraft;
  /** Units from a cut on that must be known for it to be one in every text that goes on from them. */
  readonly certainUnits: number;
}

/** What is known of a text. */
export interface PipelineDraft {
  readonly unknown: readonly Stretch[];
  /** Appends the ids of the text, with those of its unknown stretches; cuts as when a text is encoded. */
  complete(ids: readonly Int32Array[], output: TokenBuffer, cuts?: TokenBuffer): void;
}

/** What else becomes of a text that is taken apart. */
interface TakeSink {
  /** A stretch that is not known, by its place in the text. */
  readonly unknown: (text: string, start: number, end: number) => void;
  /** The text can be taken up again here. */
  readonly cut: ((units: number) => void) | undefined;
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

  /** Hands over what is known of a text, and the places of its other stretches and its cuts, in turn. */
  function take(given: string, known: TokenBuffer, { unknown, cut }: TakeSink): void {
    // What is known is not searched for lone surrogates: it was, and had the same ones.
    const text = rawSplitter.mindsLoneSurrogates ? wellFormed(given) : given;
    memory.take(text);
    rawSplitter.split(text, {
      token(id, start) {
        if (cut !== undefined && start > 0 && rawSplitter.isDividing(id)) cut(start);
        known.push(id);
      },
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
    certainUnits: rawSplitter.certainUnits,
    encode(given, output, cuts) {
      take(given, output, {
        unknown: (text, start, end) => {
          const from = output.length;
          const units = encodeUnits && memory.range(start, end);
          if (!(units && encodeUnits(units, output))) encodeRaw(stretchOf(text, start, end), output);
          memory.keep(output, from);
        },
        cut: cuts && ((units) => cuts.pushPair(units, output.length)),
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
      /** Of each cut the units before it, how many ids are known before it, and how many stretches are not. */
      const drafts: number[] = [];
      take(text, drafted, {
        unknown: (whole, start, end) => {
          unknown.push(stretchOf(whole, start, end));
          gaps.push(drafted.length);
        },
        cut: (units) => drafts.push(units, drafted.length, unknown.length),
      });
      const known = drafted.take();
      return {
        unknown,
        complete(ids, output, cuts) {
          if (cuts !== undefined) completeCuts(drafts, ids, cuts);
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

function completeCuts(drafts: readonly number[], ids: readonly Int32Array[], cuts: TokenBuffer): void {
  let stretches = 0;
  let added = 0;
  for (let index = 0; index < drafts.length; index += 3) {
    const [units, known, before] = drafts.slice(index, index + 3) as [number, number, number];
    for (; stretches < before; stretches++) added += (ids[stretches] as Int32Array).length;
    cuts.pushPair(units, known + added);
  }
}
