import { TextError } from "../text-error.ts";
import { type JsonObject, objectMember, textMember } from "./json-object.ts";
import { codePointLength } from "./utf8.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";
import type { WordIds } from "./word-cache.ts";
import { createCachedEncoder, type WordEncoder } from "./word-encoder.ts";

/** A model with its encoder. */
export interface WordModel {
  /** Id of each token, by its spelling. */
  readonly vocabulary: Vocabulary;
  readonly encoder: WordEncoder;
}

/**
 * A WordPiece model (BERT): the longest token first, then the longest that goes on; the unknown token for a word that does
 * not come out even or is too long.
 *
 * @throws TextError `tokenizer_invalid`
 */
export function createWordPiece(json: JsonObject): WordModel {
  const vocabulary = readVocabulary(objectMember(json, "vocab"));
  const prefix = textMember(json, "continuing_subword_prefix");
  const maxCharacters =
    typeof json["max_input_chars_per_word"] === "number" ? json["max_input_chars_per_word"] : 100;
  const unknown = requiredToken(vocabulary, textMember(json, "unk_token"));

  function compute(word: string): WordIds {
    if (codePointLength(word) > maxCharacters) return unknown;
    const ids: number[] = [];
    for (let start = 0; start < word.length;) {
      let end = word.length;
      let id: number | undefined;
      for (; end > start; end -= isLowSurrogate(word, end - 1) ? 2 : 1) {
        const part = word.slice(start, end);
        id = vocabulary.get(start > 0 ? prefix + part : part);
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      ids.push(id);
      start = end;
    }
    return ids;
  }
  return { vocabulary, encoder: createCachedEncoder(compute) };
}

/** A WordLevel model: every word is a token or unknown. @throws TextError `tokenizer_invalid` */
export function createWordLevel(json: JsonObject): WordModel {
  const vocabulary = readVocabulary(objectMember(json, "vocab"));
  const unknown = requiredToken(vocabulary, textMember(json, "unk_token"));
  return { vocabulary, encoder: createCachedEncoder((word) => vocabulary.get(word) ?? unknown) };
}

function requiredToken(vocabulary: Vocabulary, token: string): number {
  const id = vocabulary.get(token);
  if (id === undefined) {
    throw new TextError(
      "tokenizer_invalid",
      `tokenizer.json: unk_token ${JSON.stringify(token)} is not in the vocabulary`,
    );
  }
  return id;
}

function isLowSurrogate(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00;
}
