import { type BpeTables, isBpeModel } from "./bpe-model.ts";
import { JsonBytes, NOT_THERE } from "./json-bytes.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-object.ts";
import { MergeTable } from "./merge-table.ts";
import { PackedVocabulary } from "./packed-vocabulary.ts";
import { lossyText, wellFormed } from "./utf8.ts";
import { isTokenId } from "./vocabulary.ts";

/** A `tokenizer.json`. */
export interface TokenizerJson {
  /** The file; `vocab` and `merges` of its model are empty where they are in {@link TokenizerJson.tables}. */
  readonly json: JsonObject;
  readonly tables: BpeTables | undefined;
}

/** A member with a longer name is none that is looked for. */
const LONGEST_NAME = 1 << 10;

const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;
const SPACE = 0x20;

/**
 * Reads a `tokenizer.json`. Nearly all of a large one are the vocabulary and the merges of a BPE model, 300,000 strings if they were
 * parsed: they go from the bytes into tables at once where they are written as they usually are. Files in any other form, and broken
 * ones, are parsed as a whole, so that what is made of them, or said of them, does not depend on this.
 *
 * @throws TextError `tokenizer_invalid` when the file is not a JSON object
 */
export function readTokenizerJson(file: string | Uint8Array): TokenizerJson {
  const bytes = typeof file === "string" ? encoded(file) : file;
  const read = bytes === undefined ? undefined : readTables(bytes);
  if (read !== undefined) return read;
  const text = typeof file === "string" ? file : fileDecoder.decode(file);
  return { json: parseJsonObject(text, "tokenizer.json"), tables: undefined };
}

const fileDecoder = new TextDecoder();
const encoder = new TextEncoder();

/** Undefined for a text that UTF-8 cannot carry. */
function encoded(text: string): Uint8Array | undefined {
  return wellFormed(text) === text ? encoder.encode(text) : undefined;
}

function readTables(bytes: Uint8Array): TokenizerJson | undefined {
  const found = new ModelTables(bytes);
  if (!found.find()) return undefined;
  const { vocabulary, merges } = found;
  if (vocabulary === undefined || merges === undefined) return undefined;
  const json = parseRest(bytes, [vocabulary.range, merges.range]);
  const model = json?.["model"];
  // A prefix is no part of what a merge makes.
  if (json === undefined || !isBpeModel(model) || model["continuing_subword_prefix"]) return undefined;
  return { json, tables: { vocabulary: vocabulary.table, merges: merges.table } };
}

interface Found<Table> {
  readonly table: Table;
  /** Where it stands in the file. */
  readonly range: readonly [number, number];
}

/** Finds `model.vocab` and `model.merges`. */
class ModelTables {
  readonly #bytes: Uint8Array;
  readonly #document: JsonBytes;
  readonly #name = new Uint8Array(LONGEST_NAME);
  vocabulary: Found<PackedVocabulary> | undefined;
  merges: Found<MergeTable> | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#document = new JsonBytes(bytes);
  }

  find(): boolean {
    const isRead = this.#members((name) => (name === "model" ? this.#readModel() : this.#document.skip()));
    return isRead && this.#document.peek() === NOT_THERE;
  }

  #readModel(): boolean {
    if (this.vocabulary !== undefined) return false;
    return this.#members((name) => {
      if (name === "vocab") return this.#readVocabulary();
      return name === "merges" ? this.#readMerges() : this.#document.skip();
    });
  }

  #members(read: (name: string) => boolean): boolean {
    const document = this.#document;
    return this.#list(BRACE, BRACE_END, () => {
      const end = document.takeText(this.#name, 0);
      if (end < 0 || !document.take(COLON)) return false;
      return read(lossyText(this.#name.subarray(0, end)));
    });
  }

  #list(open: number, close: number, item: () => boolean): boolean {
    const document = this.#document;
    if (!document.take(open)) return false;
    if (document.take(close)) return true;
    do {
      if (!item()) return false;
    } while (document.take(COMMA));
    return document.take(close);
  }

  #readVocabulary(): boolean {
    const document = this.#document;
    if (this.vocabulary !== undefined || document.peek() !== BRACE) return false;
    const start = document.at;
    const table = new PackedVocabulary(this.#bytes.length - start);
    const isRead = this.#list(BRACE, BRACE_END, () => {
      const end = document.takeText(table.scratch, 0);
      if (end < 0 || !document.take(COLON)) return false;
      const id = document.takeInteger();
      return isTokenId(id) && table.add(end, id);
    });
    if (!isRead || !table.complete()) return false;
    this.vocabulary = { table, range: [start, document.at] };
    return true;
  }

  #readMerges(): boolean {
    const document = this.#document;
    if (this.vocabulary === undefined || this.merges !== undefined || document.peek() !== BRACKET)
      return false;
    const start = document.at;
    const { table: vocabulary } = this.vocabulary;
    // No merge is written in less than four bytes.
    const triples = new Int32Array(Math.ceil((this.#bytes.length - start) / 4) * 3);
    let count = 0;
    const isRead = this.#list(BRACKET, BRACKET_END, () => {
      const middle = this.#takePair(vocabulary.scratch);
      if (middle < 0) return false;
      const end = this.#pairEnd;
      const left = vocabulary.find(0, middle);
      const right = vocabulary.find(middle, end);
      const token = vocabulary.find(0, end);
      triples[count++] = left;
      triples[count++] = right;
      triples[count++] = token;
      return left >= 0 && right >= 0 && token >= 0;
    });
    if (!isRead) return false;
    const table = new MergeTable(count / 3);
    for (let at = 0, rank = 0; at < count; at += 3, rank++) {
      table.add(triples[at] as number, triples[at + 1] as number, {
        rank,
        token: triples[at + 2] as number,
      });
    }
    this.merges = { table, range: [start, document.at] };
    return true;
  }

  #pairEnd = 0;

  /** Writes both halves of a merge, one after the other; returns where the second one begins. */
  #takePair(scratch: Uint8Array): number {
    const document = this.#document;
    if (document.peek() === QUOTE) {
      const end = document.takeText(scratch, 0);
      let space = 0;
      while (space < end && scratch[space] !== SPACE) space++;
      if (space === 0 || space >= end) return NOT_THERE;
      for (let at = space + 1; at < end; at++) scratch[at - 1] = scratch[at] as number;
      this.#pairEnd = end - 1;
      return space;
    }
    if (!document.take(BRACKET)) return NOT_THERE;
    const middle = document.takeText(scratch, 0);
    if (middle < 0 || !document.take(COMMA)) return NOT_THERE;
    this.#pairEnd = document.takeText(scratch, middle);
    return this.#pairEnd >= 0 && document.take(BRACKET_END) ? middle : NOT_THERE;
  }
}

/** The document with something empty of the same kind in place of each range; undefined where it is no JSON object. */
function parseRest(
  bytes: Uint8Array,
  ranges: readonly (readonly [number, number])[],
): JsonObject | undefined {
  let text = "";
  let from = 0;
  for (const [start, end] of ranges) {
    text += lossyText(bytes.subarray(from, start + 1));
    from = end - 1;
  }
  text += lossyText(bytes.subarray(from));
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
