import { createRequire } from "node:module";
import { beforeAll, describe, expect, it } from "vitest";
import { createTokenizer } from "./create-tokenizer.ts";
import { fixture, readTokenizerFiles, type TestModel } from "./installed-tokenizer.cases.ts";
import type { Tokenizer } from "./tokenizer.ts";

const require = createRequire(import.meta.url);
// The official library, as a native module for Node; its module is CommonJS.
const { Tokenizer: OracleTokenizer } = require("tokenizers") as {
  Tokenizer: { fromString(json: string): Oracle };
};

interface Oracle {
  encodeBatch(
    texts: readonly string[],
    options: { addSpecialTokens: boolean },
  ): Promise<readonly { getIds(): readonly number[] }[]>;
  decode(ids: readonly number[], skipSpecialTokens: boolean): Promise<string>;
  decodeBatch(ids: readonly (readonly number[])[], skipSpecialTokens: boolean): Promise<readonly string[]>;
  getVocabSize(withAddedTokens: boolean): number;
}

const RANDOM_TEXTS = 3000;
const RANDOM_ID_LISTS = 300;
const STEPPED_LISTS = 25;

/** Compares our tokenizer for a model with the official library: no difference is allowed. */
export function runOracleCases(model: TestModel): void {
  runOracleCasesOn(model, () => readTokenizerFiles(model).tokenizerJson);
}

/** The same for the `tokenizer.json` that a function gives, on a given number of random texts. */
export function runOracleCasesOn(
  model: string,
  readJson: () => string,
  randomTextCount = RANDOM_TEXTS,
): void {
  describe(`${model} against the official tokenizers library`, { timeout: 60_000 }, () => {
    let oracle: Oracle;
    let own: Tokenizer;
    let broken: readonly number[];
    beforeAll(() => {
      const tokenizerJson = readJson();
      own = createTokenizer({ tokenizerJson });
      oracle = OracleTokenizer.fromString(tokenizerJson);
      broken = brokenTokens(own);
    }, 60_000);

    it("has the same size", () => {
      expect(own.vocabularySize).toBe(oracle.getVocabSize(true));
    });

    for (const addSpecialTokens of [false, true]) {
      it(`encodes the corpus ${addSpecialTokens ? "with" : "without"} special tokens`, async () => {
        // Once new, once to be remembered, once from memory.
        for (let round = 0; round < 3; round++) {
          expect(await encodeDifferences(corpus(), { oracle, own, addSpecialTokens })).toEqual([]);
        }
      });
    }

    it(`encodes, decodes and streams ${randomTextCount} random texts`, async () => {
      const texts = randomTexts(randomTextCount, 20_261_122);
      expect(await encodeDifferences(texts, { oracle, own, addSpecialTokens: false })).toEqual([]);
      // Longer ones are encoded from memory.
      const joined = texts.flatMap((_, index) =>
        index % 10 === 0 ? [texts.slice(index, index + 10).join("")] : [],
      );
      expect(await encodeDifferences(joined, { oracle, own, addSpecialTokens: false })).toEqual([]);
      const lists = [...texts, ...corpus()].map((text) => Array.from(own.encode(text, true)));
      for (const skipSpecialTokens of [false, true]) {
        expect(await decodeDifferences(lists, { oracle, own, skipSpecialTokens })).toEqual([]);
      }
    });

    it("decodes random ids, which split characters and are broken UTF-8", async () => {
      const lists = randomIdLists(RANDOM_ID_LISTS, own, broken);
      for (const skipSpecialTokens of [false, true]) {
        expect(await decodeDifferences(lists, { oracle, own, skipSpecialTokens, streams: false })).toEqual(
          [],
        );
      }
    });

    it("streams random ids step by step as the library's decode stream", async () => {
      for (const [index, ids] of randomIdLists(STEPPED_LISTS, own, broken).entries()) {
        const skipSpecialTokens = index % 2 === 0;
        const promptLength = index % 4;
        const stream = own.decodeStream({ promptTokenIds: ids.slice(0, promptLength), skipSpecialTokens });
        const steps = ids.slice(promptLength).map((id) => stream.push(id));
        const decode = (part: readonly number[]): Promise<string> => oracle.decode(part, skipSpecialTokens);
        expect({ ids, steps }).toEqual({ ids, steps: await referenceSteps(ids, promptLength, decode) });
      }
    });
  });
}

interface EncodeSubject {
  readonly oracle: Oracle;
  readonly own: Tokenizer;
  readonly addSpecialTokens: boolean;
}

async function encodeDifferences(texts: readonly string[], subject: EncodeSubject): Promise<unknown[]> {
  const { oracle, own, addSpecialTokens } = subject;
  const differences: unknown[] = [];
  const expected = await oracle.encodeBatch(texts, { addSpecialTokens });
  for (const [index, text] of texts.entries()) {
    const wanted = expected[index]?.getIds() ?? [];
    const got = own.encode(text, addSpecialTokens);
    if (got.join() !== wanted.join()) differences.push({ text, wanted: wanted.join(), got: got.join() });
  }
  return differences;
}

interface DecodeSubject {
  readonly oracle: Oracle;
  readonly own: Tokenizer;
  readonly skipSpecialTokens: boolean;
  /** Whether the ids come from texts, so that the streamed parts make up the whole. */
  readonly streams?: boolean;
}

async function decodeDifferences(
  lists: readonly (readonly number[])[],
  subject: DecodeSubject,
): Promise<unknown[]> {
  const { oracle, own, skipSpecialTokens, streams = true } = subject;
  const differences: unknown[] = [];
  const expected = await oracle.decodeBatch(lists, skipSpecialTokens);
  for (const [index, ids] of lists.entries()) {
    const wanted = expected[index];
    const got = own.decode(ids, { skipSpecialTokens });
    if (got !== wanted) differences.push({ ids, wanted, got });
    if (!streams) continue;
    const stream = own.decodeStream({ promptTokenIds: [], skipSpecialTokens });
    const streamed = ids.map((id) => stream.push(id)).join("");
    // The token that ends a text with U+FFFD is held back: it might be the beginning of a character.
    const agrees = wanted?.endsWith("\ufffd") ? wanted.startsWith(streamed) : streamed === wanted;
    if (!agrees) differences.push({ ids, wanted, streamed });
  }
  return differences;
}

/** `DecodeStream` of the library, written over its `decode` (the Node module has no stream of its own). */
async function referenceSteps(
  all: readonly number[],
  promptLength: number,
  decode: (ids: readonly number[]) => Promise<string>,
): Promise<string[]> {
  const bytes = (text: string): number => Buffer.byteLength(text);
  const steps: string[] = [];
  let ids = all.slice(0, promptLength);
  let prefix = "";
  let prefixLength = 0;
  for (const id of all.slice(promptLength)) {
    for (;;) {
      if (prefix === "" && ids.length > 0) {
        const text = await decode(ids);
        if (!text.endsWith("\ufffd")) [prefix, prefixLength] = [text, ids.length];
      }
      ids = [...ids, id];
      const text = await decode(ids);
      if (bytes(text) <= bytes(prefix) || text.endsWith("\ufffd")) {
        steps.push("");
        break;
      }
      if (text.startsWith(prefix)) {
        steps.push(text.slice(prefix.length));
        const kept = ids.slice(prefixLength);
        prefixLength = ids.length - prefixLength;
        ids = kept;
        prefix = await decode(ids);
        break;
      }
      // vLLM begins a new stream when the library reports an invalid prefix.
      [ids, prefix, prefixLength] = [[], "", 0];
    }
  }
  return steps;
}

function corpus(): string[] {
  const sections = JSON.parse(fixture("corpus.json").toString("utf8")) as Record<string, string[]>;
  const parts = Object.values(sections);
  return [...parts.flat(), ...parts.map((texts) => texts.join("\n")), parts.flat().join(" ")];
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** First and last code point of what random texts are made of; some twice, so that words form. */
const alphabets: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x61, 0x7a],
  [9, 13],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x58f],
  [0x590, 0x7ff],
  [0x900, 0xdff],
  [0xe00, 0x11ff],
  [0x1e00, 0x2bff],
  [0x3000, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xd800, 0xdfff],
  [0xe000, 0xffff],
  [0x10000, 0x1ffff],
  [0x1f300, 0x1faff],
  [0x20000, 0x3347f],
  [0, 0x10ffff],
];

function randomTexts(count: number, seed: number): string[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => {
    let text = "";
    const runs = 1 + random(12);
    for (let run = 0; run < runs; run++) {
      const [first, last] = alphabets[random(alphabets.length)] as readonly [number, number];
      for (let left = 1 + random(5); left > 0; left--)
        text += String.fromCodePoint(first + random(last - first + 1));
    }
    return text;
  });
}

/** Ids whose text alone has U+FFFD. */
function brokenTokens(tokenizer: Tokenizer): number[] {
  const broken: number[] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    if (tokenizer.tokenText(id).includes("\ufffd")) broken.push(id);
  }
  return broken;
}

/** Lists of ids of which many are no whole characters. */
function randomIdLists(count: number, tokenizer: Tokenizer, broken: readonly number[]): number[][] {
  const random = randomNumbers(count);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(24) }, () => {
      const choice = random(10);
      if (choice < 4 && broken.length > 0) return broken[random(broken.length)] as number;
      // A few ids beyond the vocabulary.
      return choice < 6 ? random(300) : random(tokenizer.vocabularySize + 3);
    }),
  );
}
