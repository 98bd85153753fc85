import { byteCharacters } from "./byte-alphabet.ts";
import { ByteText } from "./byte-text.ts";
import { ByteWordTable, LONGEST_WORD } from "./byte-word-table.ts";
import type { BpeModel } from "./bpe-model.ts";
import type { WordScanner } from "./scan/word-scanner.ts";
import { SymbolMerger } from "./symbol-merger.ts";
import type { StretchEncoder } from "./text-encoder-pipeline.ts";

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
  const longestToken = model.ignoresMerges ? longestOf(model.vocabulary) : 0;

  /** The token that a word is as a whole, whatever the merges say; -1 when it is none. */
  function wholeToken(start: number, length: number): number {
    if (length > longestToken) return -1;
    let spelled = "";
    const { bytes } = text;
    for (let at = start; at < start + length; at++) spelled += byteCharacters[bytes[at] as number];
    return model.vocabulary.get(spelled) ?? -1;
  }

  function merge(start: number, length: number): Int32Array {
    const count = merger.mergeBytes(text.bytes, start, length);
    const whole = count > 1 ? wholeToken(start, length) : -1;
    if (whole < 0) return merger.symbols.subarray(0, count);
    merger.symbols[0] = whole;
    return merger.symbols.subarray(0, 1);
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
        const ids = merge(start, length);
        output.pushAll(ids);
        if (isKept) table.add(view, { start, length }, ids);
        else merger.trim();
      }
      start = next;
    }
    text.trim();
  };
}

function longestOf(vocabulary: ReadonlyMap<string, number>): number {
  let longest = 0;
  for (const piece of vocabulary.keys()) longest = Math.max(longest, piece.length);
  return longest;
}
