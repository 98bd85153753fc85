import { TextError } from "../text-error.ts";
import { byteCharacters } from "./byte-alphabet.ts";
import {
  flagMember,
  invalidMember,
  isJsonObject,
  type JsonObject,
  listMember,
  objectMember,
} from "./json-object.ts";
import { MergeTable } from "./merge-table.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** A BPE model of `tokenizer.json`, ready to use. */
export interface BpeModel {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignoresMerges: boolean;
  /** Id of each byte's symbol; -1 when the vocabulary lacks it. */
  readonly byteTokens: Int32Array;
  /** Ids of `<0x00>` … `<0xFF>` when unknown characters fall back to bytes, -1 for those missing. */
  readonly fallbackBytes: Int32Array | undefined;
  /** Token for unknown characters, or undefined: then they vanish. */
  readonly unknownToken: number | undefined;
  /** Whether neighbouring unknown characters share one unknown token. */
  readonly fusesUnknown: boolean;
  /** Written before every symbol of a word but the first when it is looked up. */
  readonly continuationPrefix: string;
  /** Written after the last symbol of a word when it is looked up. */
  readonly wordSuffix: string;
}

/** What of a BPE model is large. */
export interface BpeTables {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
}

/**
 * Reads the `model` member of `tokenizer.json`.
 *
 * @param tables Its vocabulary and its merges where they were made already.
 * @throws TextError `tokenizer_invalid` when the vocabulary and the merges contradict each other, `tokenizer_unsupported`
 *   for models that drop merges at random
 */
export function readBpeModel(json: JsonObject, tables?: BpeTables): BpeModel {
  if (typeof json["dropout"] === "number" && json["dropout"] > 0) {
    throw new TextError("tokenizer_unsupported", "tokenizer.json: a BPE model with dropout");
  }
  const vocabulary = tables?.vocabulary ?? readVocabulary(objectMember(json, "vocab"));
  const continuationPrefix = optionalText(json["continuing_subword_prefix"]);
  const unknown = json["unk_token"];
  return {
    vocabulary,
    merges: tables?.merges ?? readMerges(listMember(json, "merges"), vocabulary, continuationPrefix.length),
    ignoresMerges: flagMember(json, "ignore_merges"),
    byteTokens: Int32Array.from(byteCharacters, (character) => vocabulary.get(character) ?? -1),
    fallbackBytes: flagMember(json, "byte_fallback") ? readFallbackBytes(vocabulary) : undefined,
    unknownToken: typeof unknown === "string" ? vocabulary.get(unknown) : undefined,
    fusesUnknown: flagMember(json, "fuse_unk"),
    continuationPrefix,
    wordSuffix: optionalText(json["end_of_word_suffix"]),
  };
}

/** Whether a `model` member is a BPE model (old files do not say so). */
export function isBpeModel(json: unknown): json is JsonObject {
  return isJsonObject(json) && (json["type"] === "BPE" || (json["type"] === undefined && "merges" in json));
}

function optionalText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function readFallbackBytes(vocabulary: Vocabulary): Int32Array {
  const ids = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    ids[byte] = vocabulary.get(name) ?? -1;
  }
  return ids;
}

function readMerges(merges: readonly unknown[], vocabulary: Vocabulary, prefixLength: number): MergeTable {
  const table = new MergeTable(merges.length);
  let previous = -1;
  for (let rank = 0; rank < merges.length; rank++) {
    const [left, right] = readPair(merges[rank], rank);
    const leftId = vocabulary.get(left);
    const rightId = vocabulary.get(right);
    const tail = prefixLength === 0 ? right : right.slice(prefixLength);
    // Most vocabularies are numbered in the order of the merges: a look at the next token saves a search.
    const next = vocabulary.piece(previous + 1);
    const token = isJoined(next, left, tail) ? previous + 1 : vocabulary.get(left + tail);
    if (leftId === undefined || rightId === undefined || token === undefined) {
      throw new TextError(
        "tokenizer_invalid",
        `tokenizer.json: merge ${rank} uses a token outside the vocabulary`,
      );
    }
    table.add(leftId, rightId, { rank, token });
    previous = token;
  }
  return table;
}

function isJoined(whole: string | undefined, left: string, right: string): boolean {
  return (
    whole !== undefined &&
    whole.length === left.length + right.length &&
    whole.startsWith(left) &&
    whole.endsWith(right)
  );
}

function readPair(merge: unknown, rank: number): readonly [string, string] {
  if (Array.isArray(merge)) {
    const [left, right]: unknown[] = merge;
    if (typeof left === "string" && typeof right === "string") return [left, right];
  } else if (typeof merge === "string") {
    const space = merge.indexOf(" ");
    if (space > 0) return [merge.slice(0, space), merge.slice(space + 1)];
  }
  throw invalidMember(`merges[${rank}]`, "a pair of tokens");
}
