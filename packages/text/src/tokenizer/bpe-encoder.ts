import type { BpeModel } from "./bpe-model.ts";
import { byteCharacters } from "./byte-alphabet.ts";
import { findSafeCuts } from "./safe-cuts.ts";
import { SymbolMerger } from "./symbol-merger.ts";
import type { WordIds } from "./word-cache.ts";
import { createCachedEncoder, type WordEncoder } from "./word-encoder.ts";

/**
 * An encoder for a BPE model; words seen before come from a bounded cache.
 *
 * @param isByteLevel Whether a word's symbols are its UTF-8 bytes; else its characters.
 */
export function createBpeEncoder(model: BpeModel, isByteLevel: boolean): WordEncoder {
  const merger = new SymbolMerger(model.merges);
  const fill = isByteLevel ? byteSymbols(model, merger) : characterSymbols(model, merger);
  const spell = isByteLevel ? spellBytes : (word: string): string => word;

  function compute(word: string): WordIds {
    if (model.ignoresMerges) {
      const whole = model.vocabulary.get(spell(word));
      if (whole !== undefined) return whole;
    }
    const count = merger.merge(fill(word));
    if (count === 1) return merger.symbols[0] as number;
    const ids: number[] = [];
    for (let index = 0; index < count; index++) ids.push(merger.symbols[index] as number);
    merger.trim();
    return ids;
  }

  const cached = createCachedEncoder(compute);
  const isCuttable =
    !isByteLevel && !model.ignoresMerges && model.continuationPrefix === "" && model.wordSuffix === "";
  const cut = isCuttable ? findSafeCuts(model.vocabulary) : undefined;
  if (cut === undefined) return cached;
  return { encodeWord: (word, output) => cut(word, (part) => cached.encodeWord(part, output)) };
}

type FillSymbols = (word: string) => number;

function spellBytes(word: string): string {
  let spelled = "";
  for (let index = 0; index < word.length; index++) {
    const unit = word.charCodeAt(index);
    if (unit >= 0x80) return spelled + spellCharacters(word.slice(index));
    spelled += byteCharacters[unit];
  }
  return spelled;
}

function spellCharacters(text: string): string {
  let spelled = "";
  const spellByte = (byte: number): void => {
    spelled += byteCharacters[byte];
  };
  for (let index = 0; index < text.length; index++) {
    const code = text.codePointAt(index) as number;
    if (code > 0xffff) index++;
    eachByte(code, spellByte);
  }
  return spelled;
}

function byteSymbols(model: BpeModel, merger: SymbolMerger): FillSymbols {
  const { byteTokens } = model;
  const unknown = model.unknownToken ?? -1;
  let count = 0;
  // A byte without a symbol is an unknown character; only broken vocabularies lack one.
  const add = (byte: number): void => {
    const id = byteTokens[byte] as number;
    if (id >= 0) merger.symbols[count++] = id;
    else if (unknown >= 0) merger.symbols[count++] = unknown;
  };
  return (word) => {
    merger.reserve(word.length * 3);
    count = 0;
    for (let index = 0; index < word.length; index++) {
      const code = word.codePointAt(index) as number;
      if (code < 0x80) {
        add(code);
      } else {
        if (code > 0xffff) index++;
        eachByte(code, add);
      }
    }
    return count;
  };
}

function eachByte(code: number, visit: (byte: number) => void): void {
  if (code < 0x80) {
    visit(code);
  } else if (code < 0x800) {
    visit(0xc0 | (code >> 6));
    visit(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    visit(0xe0 | (code >> 12));
    visit(0x80 | ((code >> 6) & 0x3f));
    visit(0x80 | (code & 0x3f));
  } else {
    visit(0xf0 | (code >> 18));
    visit(0x80 | ((code >> 12) & 0x3f));
    visit(0x80 | ((code >> 6) & 0x3f));
    visit(0x80 | (code & 0x3f));
  }
}

function characterSymbols(model: BpeModel, merger: SymbolMerger): FillSymbols {
  const { vocabulary, fallbackBytes, unknownToken, fusesUnknown, continuationPrefix, wordSuffix } = model;
  return (word) => {
    merger.reserve(word.length * 3 + 1);
    let count = 0;
    let unknownPending = false;
    const flushUnknown = (): void => {
      if (unknownPending) merger.symbols[count++] = unknownToken as number;
      unknownPending = false;
    };
    const fallBack = (symbol: string): boolean => {
      if (fallbackBytes === undefined) return false;
      const start = count;
      let isComplete = true;
      const add = (byte: number): void => {
        const id = fallbackBytes[byte] as number;
        if (id < 0) isComplete = false;
        merger.symbols[count++] = id;
      };
      merger.reserve(count + symbol.length * 3);
      for (const character of symbol) eachByte(character.codePointAt(0) as number, add);
      if (!isComplete) count = start;
      return isComplete;
    };
    let position = 0;
    for (const character of word) {
      let symbol = character;
      if (position > 0 && continuationPrefix !== "") symbol = continuationPrefix + symbol;
      position += character.length;
      if (position === word.length && wordSuffix !== "") symbol += wordSuffix;
      const id = vocabulary.get(symbol);
      if (id !== undefined) {
        flushUnknown();
        merger.reserve(count + 1);
        merger.symbols[count++] = id;
        // A pending unknown token is written only before the next known symbol, as the library does.
      } else if (!fallBack(symbol) && unknownToken !== undefined) {
        if (!fusesUnknown) flushUnknown();
        unknownPending = true;
      }
    }
    flushUnknown();
    return count;
  };
}
