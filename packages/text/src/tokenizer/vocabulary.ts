import { invalidMember, type JsonObject } from "./json-object.ts";

/** Ids above this are refused: tables are indexed by id. */
const HIGHEST_ID = 0x7ffffff;

/**
 * The `vocab` object of a model: id of each token, by its spelling.
 *
 * @throws TextError `tokenizer_invalid` for an id that is no small non-negative integer
 */
export function readVocabulary(json: JsonObject): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const piece in json) {
    const id = json[piece];
    if (!isTokenId(id)) throw invalidMember(`vocab[${JSON.stringify(piece)}]`, "a token id");
    vocabulary.set(piece, id);
  }
  return vocabulary;
}

/** Whether a value can be a token id. */
export function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= HIGHEST_ID;
}
