import { array, assert, constantFrom, dictionary, nat, property, string, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { isBpeModel, readBpeModel } from "./bpe-model.ts";
import { parseJsonObject } from "./json-object.ts";
import { tinyTokenizerJson } from "./tiny-tokenizer.cases.ts";
import { readTokenizerJson, type TokenizerJson } from "./tokenizer-json.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The whole file parsed: what everything else is compared with. */
function parsed(bytes: Uint8Array): TokenizerJson {
  return { json: parseJsonObject(new TextDecoder().decode(bytes), "tokenizer.json"), tables: undefined };
}

/** All that a file says of a BPE model and beside it, or why it says nothing. */
function meaning(read: () => TokenizerJson): unknown {
  try {
    const { json, tables } = read();
    const { model, ...rest } = json;
    if (!isBpeModel(model)) return rest;
    const { vocabulary, merges, ...settings } = readBpeModel(model, tables);
    const ids = Array.from({ length: vocabulary.idLimit }, (_, id) => id);
    const pairs = ids.slice(0, 40).flatMap((left) => ids.slice(0, 40).map((right) => [left, right] as const));
    return {
      rest,
      settings,
      size: vocabulary.size,
      longest: vocabulary.longest,
      spellings: ids.map((id) => vocabulary.piece(id)),
      ids: new Map([...vocabulary.pieces()].map((piece) => [piece, vocabulary.get(piece)])),
      ranks: pairs.map(([left, right]) => merges.find(left, right)),
      made: pairs.map(([left, right]) => merges.tokenOf(merges.find(left, right))),
    };
  } catch (error) {
    if (error instanceof TextError) return error.message;
    throw error;
  }
}

const SMALL = {
  version: "1.0",
  added_tokens: [{ id: 9, content: '{<end>]\\"' }],
  model: {
    type: "BPE",
    dropout: null,
    vocab: {
      a: 0,
      b: 1,
      ab: 2,
      'q"': 3,
      "b\\": 4,
      'q"b\\': 5,
      é: 6,
      漢: 7,
      𝒳: 8,
      "a b": 9,
      " b": 10,
      "": 11,
    },
    merges: [
      ["a", "b"],
      ['q"', "b\\"],
      ["a", " b"],
    ] as readonly unknown[],
  },
} as const;

/** The small file with other members of its model. */
function small(model: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...SMALL, model: { ...SMALL.model, ...model } });
}

describe("readTokenizerJson()", () => {
  it.each([
    ["in one line", JSON.stringify(SMALL)],
    ["on many lines", JSON.stringify(SMALL, undefined, 2)],
    ["with other white space", ` \r\n\t${JSON.stringify(SMALL, undefined, "\t")}\r\n `],
    ["with merges in one string", small({ merges: ["a b", 'q" b\\', "a  b"] })],
    ["without a merge", small({ merges: [] })],
    ["of 263 tokens", tinyTokenizerJson()],
    ["with members behind the model", tinyTokenizerJson({ later: [1.5e3, -1, true, false, { a: "}" }] })],
    ["with other members of the model", small({ cache: { vocab: { a: [] }, merges: {} } })],
    ["with escapes", JSON.stringify(SMALL).replace('"漢"', '"\\/\\b\\f\\n\\r\\t"')],
    [
      "with escaped characters",
      JSON.stringify(SMALL).replace('"漢"', '"\\u00e9\\u0001\\uD835\\udcb3\\u6f22\\u0000x\\uffff"'),
    ],
  ])("makes tables of a file %s", (_, text) => {
    const bytes = utf8(text);
    expect(readTokenizerJson(bytes).tables).toBeDefined();
    expect(readTokenizerJson(text).tables).toBeDefined();
    expect(meaning(() => readTokenizerJson(bytes))).toEqual(meaning(() => parsed(bytes)));
  });

  it.each([
    [
      "merges before the vocabulary",
      JSON.stringify(SMALL).replace('"vocab":', '"merges":[["b","a"]],"vocab":'),
    ],
    ["two vocabularies", JSON.stringify(SMALL).replace('"vocab":', '"vocab":{"z":1},"vocab":')],
    ["two lists of merges", JSON.stringify(SMALL).replace('"merges":', '"merges":[],"merges":')],
    [
      "two models",
      JSON.stringify(SMALL).replace(/\}$/u, ',"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}'),
    ],
    ["a model and an empty one", JSON.stringify(SMALL).replace(/\}$/u, ',"model":{"type":"BPE"}}')],
    ["a model and none", JSON.stringify(SMALL).replace(/\}$/u, ',"model":null}')],
    ["a name in disguise", JSON.stringify(SMALL).replace('"vocab"', '"\\u0076ocab"')],
    ["half a character, the second", JSON.stringify(SMALL).replace('"漢"', '"\\udcb3"')],
    ["two first halves", JSON.stringify(SMALL).replace('"漢"', '"\\ud835\\ud835"')],
    ["an escape with a wrong digit", JSON.stringify(SMALL).replace('"漢"', '"\\u00g9"')],
    ["an escape that is too short", JSON.stringify(SMALL).replace('"漢"', '"\\u00e"')],
    ["half a character, the first", JSON.stringify(SMALL).replace('"漢"', '"\\ud835"')],
    ["a spelling twice", JSON.stringify(SMALL).replace('"b":1', '"b":1,"b":12')],
    ["an id twice", small({ vocab: { a: 0, b: 1, c: 0, 7: 1 }, merges: [] })],
    ["an id twice, of a number too", JSON.stringify(SMALL).replace('"b":1', '"b":1,"z":12,"7":12')],
    ["ids far apart", small({ vocab: { a: 0, b: 3_000_000 }, merges: [] })],
    ["an exponent", JSON.stringify(SMALL).replace('"b":1', '"b":1e0')],
    [
      "a prefix",
      small({
        continuing_subword_prefix: "##",
        vocab: { a: 0, "##b": 1, ab: 2, "a##b": 3 },
        merges: ["a ##b"],
      }),
    ],
    ["a merge of three", small({ merges: [["a", "b", "c"]] })],
    ["no merges", small({ merges: undefined })],
    ["another model", small({ type: "WordPiece" })],
    ["a very long spelling", small({ vocab: { ["x".repeat(200_000)]: 0 }, merges: [] })],
    ["a long list of words", small({ vocab: [["a", 0]], merges: [] })],
    ["a foreign token in a merge", small({ merges: [["a", "z"]] })],
    ["a merge that makes no token", small({ merges: [["b", "a"]] })],
    ["an empty half", small({ merges: [["", "b"]] })],
    ["a merge without a blank", small({ merges: ["ab"] })],
    ["an id below zero", small({ vocab: { a: -1 } })],
    ["an id that is too high", small({ vocab: { a: 0x8000000 } })],
    ["part of an id", small({ vocab: { a: 1.5 } })],
    ["a word for an id", small({ vocab: { a: "1" } })],
    ["a zero before an id", JSON.stringify(SMALL).replace('"b":1', '"b":01')],
    ["an end too early", JSON.stringify(SMALL).slice(0, -1)],
    ["something behind its end", `${JSON.stringify(SMALL)} x`],
    ["a comma too many", JSON.stringify(SMALL).replace('"":11', '"":11,')],
    ["a line break in a string", JSON.stringify(SMALL).replace("漢", "漢\n")],
    ["brackets that do not match", JSON.stringify(SMALL).replace('"dropout":null', '"dropout":[}')],
    ["no object", "[]"],
    ["nothing", ""],
  ])("says of %s what parsing the whole file says", (_, text) => {
    const bytes = utf8(text);
    expect(meaning(() => readTokenizerJson(bytes))).toEqual(meaning(() => parsed(bytes)));
    expect(meaning(() => readTokenizerJson(text))).toEqual(meaning(() => parsed(bytes)));
  });

  it("passes over a byte order mark, and takes broken UTF-8 for U+FFFD", () => {
    const bytes = utf8(JSON.stringify(SMALL));
    const marked = Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes]);
    expect(meaning(() => readTokenizerJson(marked))).toEqual(meaning(() => parsed(bytes)));
    for (const broken of [
      [0xff],
      [0xc3],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
    ]) {
      const at = bytes.indexOf(0xe6);
      const file = Uint8Array.from([...bytes.subarray(0, at), ...broken, ...bytes.subarray(at)]);
      expect(meaning(() => readTokenizerJson(file))).toEqual(meaning(() => parsed(file)));
    }
  });

  it("says the same of any vocabulary", () => {
    const spelling = string({ unit: "binary", maxLength: 6 });
    assert(
      property(
        uniqueArray(spelling, { maxLength: 60 }),
        dictionary(spelling, string()),
        constantFrom(undefined, 1),
        (spellings, rest, indent) => {
          const vocab = Object.fromEntries(spellings.map((piece, id) => [piece, spellings.length - 1 - id]));
          const merges = spellings.flatMap((left) =>
            spellings.filter((right) => left !== "" && left + right in vocab).map((right) => [left, right]),
          );
          const bytes = utf8(
            JSON.stringify({ ...rest, model: { type: "BPE", vocab, merges } }, undefined, indent),
          );
          expect(meaning(() => readTokenizerJson(bytes))).toEqual(meaning(() => parsed(bytes)));
        },
      ),
      { seed: 20261128, numRuns: 300 },
    );
  });

  it("says the same of any broken file", () => {
    const file = utf8(JSON.stringify(SMALL, undefined, 1));
    assert(
      property(
        array(nat(file.length - 1), { minLength: 1, maxLength: 3 }),
        constantFrom(...utf8(' 0a"\\u,:{}[]\n\u00e9')),
        (places, byte) => {
          const broken = Uint8Array.from(file);
          for (const place of places) broken[place] = byte;
          expect(meaning(() => readTokenizerJson(broken))).toEqual(meaning(() => parsed(broken)));
        },
      ),
      { seed: 20261128, numRuns: 3000 },
    );
  });

  it("knows every spelling of a large vocabulary, and no other", () => {
    const pieces = Array.from({ length: 50_000 }, (_, id) => `w${id.toString(36)}é`);
    const { tables } = readTokenizerJson(
      small({ vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])), merges: [] }),
    );
    expect(pieces.every((piece, id) => tables?.vocabulary.get(piece) === id)).toBe(true);
    expect(
      ["w", "wé", "\ud800", `${"x".repeat(5000)}`, "w0"].map((piece) => tables?.vocabulary.get(piece)),
    ).toEqual(Array.from({ length: 5 }));
    expect(tables?.vocabulary.piece(50_000)).toBeUndefined();
  });
});
