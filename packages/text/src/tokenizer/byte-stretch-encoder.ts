import { ByteText } from "./byte-text.ts";
import { ByteWordTable, LONGEST_WORD } from "./byte-word-table.ts";
import type { BpeModel } from "./bpe-model.ts";
import type { WordScanner } from "./scan/word-scanner.ts";
import { SymbolMerger } from "./symbol-merger.ts";
import type { StretchEncoder } from "./text-encoder-pipeline.ts";
import { WholeTokens } from "./whole-tokens.ts";

/** Whether {@link createByteStretchEncoder} can run a model: every byte is a token, and words are spelled plainly. */
export function isByteModel(model: BpeModel): boolean {
  return model.continuationPrefix === "" && model.wordSuffix === "" && !model.byteTokens.includes(-1);
}

/**
 * Byte-level BPE of a text in one pass over its UTF-8: a scanner finds the words, a table has the ids of those seen before, the rest are
 * merged. No string and no object is made for a word.
 */
export function createByteStretchEncoder(model: BpeModel, scanner: WordScanner): StretchEncoder {
  const text = new ByteText();
  const table = new ByteWordTable();
  const merger = new SymbolMerger(model.merges, model.byteTokens);
  // A word that is a token is that token, whatever the merges say.
  const wholes = model.ignoresMerges ? new WholeTokens(model.vocabulary) : undefined;

  /** The ids of a word, in `merger.symbols`; returns how many. */
  function merge(start: number, length: number): number {
    const count = merger.mergeBytes(text.bytes, start, length);
    const whole = count > 1 && wholes !== undefined ? wholes.find(text.bytes, start, length) : -1;
    if (whole < 0) return count;
    merger.symbols[0] = whole;
    return 1;
  }

  return (stretch, _, output) => {
    const end = text.set(stretch);
    const { bytes, view } = text;
    for (let start = 0; start < end;) {
      const next = scanner(bytes, start, end);
      const length = next - start;
      const isKept = length <= LONGEST_WORD;
      const place = isKept ? table.find(view, start, length) : -1;
      if (place >= 0) {
        table.appendIds(place, output);
      } else {
        const count = merge(start, length);
        output.pushFirst(merger.symbols, count);
        if (isKept) table.add(view, { start, length, count }, merger.symbols);
        else merger.trim();
      }
      start = next;
    }
    text.trim();
  };
}
