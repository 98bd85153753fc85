import { type FoundText, PromptMemory } from "./prompt-memory.ts";
import { pushKnown } from "./prompt-piece.ts";
import { TextCuts } from "./text-cuts.ts";
import type { EncodingPipeline } from "./text-encoder-pipeline.ts";
import { TokenBuffer } from "./token-buffer.ts";
import type { SpecialFrame, Tokenizer } from "./tokenizer.ts";
import { isWellFormed, wellFormed } from "./utf8.ts";

/** How a {@link Tokenizer} makes ids of texts. */
export type TextEncoding = Pick<Tokenizer, "encode" | "draft" | "encodeStretches" | "isWellFormed">;

/** A text on its way to ids. */
interface Beginning {
  /** Without lone surrogates. */
  readonly text: string;
  readonly known: FoundText | undefined;
}

/**
 * What a pipeline does for the callers of a tokenizer: lone surrogates replaced, special frame added, and what a text has in common with one that was
 * encoded lately taken from there.
 */
export function createTextEncoding(pipeline: EncodingPipeline, frame: SpecialFrame): TextEncoding {
  const output = new TokenBuffer();
  const cuts = new TextCuts();
  const memory = new PromptMemory();
  const target = { output, cuts };

  /** Looked at last, and without lone surrogates. */
  let lookedAt = "";

  function hasNoLone(text: string, known: FoundText | undefined): boolean {
    return isWellFormed(known === undefined ? text : text.slice(known.units));
  }

  function begin(given: string): Beginning {
    const known = memory.find(given);
    const isDone = given === lookedAt;
    lookedAt = "";
    return { text: isDone || hasNoLone(given, known) ? given : wellFormed(given), known };
  }

  function complete({ text, known }: Beginning, addSpecialTokens: boolean, fill: () => void): Int32Array {
    output.clear();
    cuts.clear();
    if (addSpecialTokens) output.pushAll(frame.before);
    const firstId = output.length;
    if (known !== undefined) pushKnown(known, output);
    fill();
    memory.remember(text, { ids: output, firstId, cuts, known });
    if (addSpecialTokens) output.pushAll(frame.after);
    return output.take();
  }

  return {
    encode(given, addSpecialTokens) {
      const beginning = begin(given);
      const { text, known } = beginning;
      return complete(beginning, addSpecialTokens, () => pipeline.encode(text, target, known?.units ?? 0));
    },
    draft(given, addSpecialTokens) {
      const beginning = begin(given);
      const draft = pipeline.draft(beginning.text, beginning.known?.units ?? 0);
      const { unknown } = draft;
      return {
        unknown,
        unknownUnits: unknown.reduce((units, stretch) => units + stretch.text.length, 0),
        complete: (ids) => complete(beginning, addSpecialTokens, () => draft.complete(ids, target)),
      };
    },
    encodeStretches: (stretches) =>
      stretches.map((stretch) => {
        output.clear();
        pipeline.encodeStretch(stretch, output);
        return output.take();
      }),
    isWellFormed(text) {
      const answer = hasNoLone(text, memory.find(text));
      if (answer) lookedAt = text;
      return answer;
    },
  };
}
