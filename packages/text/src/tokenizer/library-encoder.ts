import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { TextError } from "../text-error.ts";
import { invalidMember, isJsonObject, type JsonObject, unsupportedComponent } from "./json-object.ts";
import { isTokenId, readVocabulary } from "./vocabulary.ts";

/**
 * The vocabulary of a model that is not BPE.
 *
 * @throws TextError `tokenizer_unsupported` for kinds of models that are not known, `tokenizer_invalid`
 */
export function readOtherVocabulary(model: unknown): Map<string, number> {
  if (!isJsonObject(model)) throw invalidMember("model", "an object");
  const { type, vocab } = model;
  if (type === "Unigram" && Array.isArray(vocab)) {
    return new Map(vocab.map((entry: unknown, id) => [pieceOf(entry), id] as const));
  }
  if ((type === "WordPiece" || type === "WordLevel") && isJsonObject(vocab)) return readVocabulary(vocab);
  throw unsupportedComponent("a model", type);
}

function pieceOf(entry: unknown): string {
  const piece: unknown = Array.isArray(entry) ? entry[0] : undefined;
  if (typeof piece !== "string") throw invalidMember("vocab", "a list of pieces with scores");
  return piece;
}

/**
 * An encoder for models that are not BPE (WordPiece, Unigram …), on the library for JavaScript. It does the whole way of a
 * text, added tokens and special frame included.
 *
 * @throws TextError `tokenizer_unsupported` when the library refuses the files
 */
export function createLibraryEncoder(
  json: JsonObject,
  config: JsonObject,
): (text: string, addSpecialTokens: boolean) => readonly number[] {
  let tokenizer: LibraryTokenizer;
  try {
    tokenizer = new LibraryTokenizer(json, config);
  } catch (cause) {
    throw new TextError("tokenizer_unsupported", "tokenizer.json: the tokenizer library cannot use it", {
      cause,
    });
  }
  return (text, addSpecialTokens) => {
    const ids: unknown[] = tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids;
    return ids.map((id) => {
      if (!isTokenId(id))
        throw new TextError("tokenizer_invalid", "tokenizer.json: a text became a token without an id");
      return id;
    });
  };
}
