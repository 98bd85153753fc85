import { flagMember, isJsonObject, type JsonObject, invalidMember, textMember } from "./json-object.ts";
import type { Normalizer } from "./normalizer-steps.ts";
import { isTokenId, type Vocabulary } from "./vocabulary.ts";

/** A token that is cut out of a text before the model sees it. */
export interface AddedToken {
  readonly content: string;
  /** Matches only where no word character touches it. */
  readonly isSingleWord: boolean;
  /** Takes the white space on its left with it. */
  readonly stripsLeft: boolean;
  /** Takes the white space on its right with it. */
  readonly stripsRight: boolean;
  /** Is looked for in the normalized text, in its own normalized form. */
  readonly isNormalized: boolean;
  /** Is left out when decoding without special tokens. */
  readonly isSpecial: boolean;
}

/** One entry of `added_tokens`, or of `added_tokens_decoder` in `tokenizer_config.json` (which has no id inside). */
export function readAddedToken(json: unknown): AddedToken {
  if (!isJsonObject(json)) throw invalidMember("added_tokens", "a list of objects");
  const isSpecial = flagMember(json, "special");
  return {
    content: textMember(json, "content"),
    isSingleWord: flagMember(json, "single_word"),
    stripsLeft: flagMember(json, "lstrip"),
    stripsRight: flagMember(json, "rstrip"),
    isNormalized: flagMember(json, "normalized", !isSpecial),
    isSpecial,
  };
}

/** A special token known by its text only. */
export function specialToken(content: string): AddedToken {
  return {
    content,
    isSingleWord: false,
    stripsLeft: false,
    stripsRight: false,
    isNormalized: false,
    isSpecial: true,
  };
}

/** The id of an entry of `added_tokens`. */
export function addedTokenId(json: JsonObject): number {
  const id = json["id"];
  if (!isTokenId(id)) throw invalidMember("added_tokens[].id", "a token id");
  return id;
}

/** All added tokens of one tokenizer. */
export class AddedVocabulary {
  private readonly idByContent = new Map<string, number>();
  private readonly tokens = new Map<number, AddedToken>();
  private readonly vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Tokens by id. */
  get byId(): ReadonlyMap<number, AddedToken> {
    return this.tokens;
  }

  /** Adds a token or changes the properties of one that is there. Without an id it takes its known or the next free one. */
  add(token: AddedToken, id?: number): void {
    if (token.content === "") return;
    const finalId = id ?? this.idOf(token.content) ?? this.nextId();
    this.idByContent.set(token.content, finalId);
    this.tokens.set(finalId, token);
  }

  /** Id of an added token by its text. */
  idOf(content: string): number | undefined {
    return this.idByContent.get(content) ?? this.vocabulary.get(content);
  }

  /** Whether a text is an added token. */
  has(content: string): boolean {
    return this.idByContent.has(content);
  }

  private nextId(): number {
    let next = this.vocabulary.size;
    for (const id of this.tokens.keys()) next = Math.max(next, id + 1);
    return next;
  }
}

/** How a token is written in the normalized text and in decoded text. */
export function normalizedContent(token: AddedToken, normalizer: Normalizer | undefined): string {
  return token.isNormalized && normalizer !== undefined ? normalizer(token.content) : token.content;
}
