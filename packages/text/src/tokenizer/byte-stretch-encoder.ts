import { ByteText } from "./byte-text.ts";
import { ByteWordTable, LONGEST_WORD, NO_RUN, RECENT_RUN } from "./byte-word-table.ts";
import type { BpeModel } from "./bpe-model.ts";
import type { WordScanner } from "./scan/word-scanner.ts";
import { SymbolMerger } from "./symbol-merger.ts";
import type { StretchEncoder } from "./text-encoder-pipeline.ts";
import type { UnitRange } from "./text-units.ts";
import type { TokenBuffer } from "./token-buffer.ts";
import { WholeTokens } from "./whole-tokens.ts";

/** For each byte, whether it is a blank or an ASCII letter. */
const beginsRun = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z ]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Whether {@link createByteStretchEncoder} can run a model: every byte is a token, and words are spelled plainly. */
export function isByteModel(model: BpeModel): boolean {
  return model.continuationPrefix === "" && model.wordSuffix === "" && !model.byteTokens.includes(-1);
}

/** An encoder of stretches, as text or in memory. */
export interface ByteStretchEncoder {
  readonly encodeStretch: StretchEncoder;
  /**
   * Appends the ids of units of a text; a lone surrogate counts as U+FFFD.
   *
   * @param isRefused Whether a character beyond U+02FF makes it give up.
   * @returns false when it gave up: nothing was appended
   */
  encodeUnits(units: UnitRange, isRefused: (code: number) => boolean, output: TokenBuffer): boolean;
}

/**
 * Byte-level BPE of a text in one pass over its UTF-8: a scanner finds the words, a table has the ids of those seen before, the rest are
 * merged. No string and no object is made for a word.
 */
export function createByteStretchEncoder(model: BpeModel, scanner: WordScanner): ByteStretchEncoder {
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

  /** Takes the word at `start`, which may be in the table; returns where it ends. */
  function takeAny(start: number, end: number, output: TokenBuffer): number {
    const { view } = text;
    const next = scanner(text.bytes, start, end);
    const length = next - start;
    const place = length <= LONGEST_WORD ? table.find(view, start, length) : -1;
    if (place >= 0) table.appendIds(place, output);
    else takeNew(start, length, output);
    return next;
  }

  function takeNew(start: number, length: number, output: TokenBuffer): void {
    const count = merge(start, length);
    output.pushFirst(merger.symbols, count);
    if (length <= LONGEST_WORD) table.add(text.view, { start, length, count }, merger.symbols);
    else merger.trim();
  }

  const isCased = scanner.isCased === true;

  function takeAll(end: number, output: TokenBuffer): void {
    const { bytes, view } = text;
    for (let start = 0; start < end;) {
      const place = beginsRun[bytes[start] as number] === 1 ? table.findRun(view, start, isCased) : NO_RUN;
      if (place >= 0) {
        table.appendIds(place, output);
        start += table.runLength;
      } else if (place === RECENT_RUN) {
        output.push(table.runId);
        start += table.runLength;
      } else if (place === NO_RUN) {
        start = takeAny(start, end, output);
      } else {
        takeNew(start, table.runLength, output);
        start += table.runLength;
      }
    }
    text.trim();
  }

  return {
    encodeStretch: (stretch, _, output) => takeAll(text.set(stretch), output),
    encodeUnits(units, isRefused, output) {
      const end = text.setUnits(units, isRefused);
      if (end >= 0) takeAll(end, output);
      return end >= 0;
    },
  };
}
