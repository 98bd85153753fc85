import { invalidMember, type JsonObject } from "./json-object.ts";
import { codePointLength } from "./utf8.ts";

/** Ids above this are refused: tables are indexed by id. */
const HIGHEST_ID = 0x7ffffff;

/** The tokens of a model: spelling to id and back. */
export interface Vocabulary {
  /** Number of spellings. */
  readonly size: number;
  /** One more than the highest id; 0 for an empty vocabulary. */
  readonly idLimit: number;
  /** Characters (code points) of the longest spelling. */
  readonly longest: number;
  /** Id of a spelling, undefined when there is none. */
  get(piece: string): number | undefined;
  /** Whether a spelling is a token. */
  has(piece: string): boolean;
  /** Spelling of an id, undefined when there is none. */
  piece(id: number): string | undefined;
  /** All spellings. */
  pieces(): Iterable<string>;
}

/** A vocabulary of which every spelling is a string. */
export class MappedVocabulary implements Vocabulary {
  readonly idLimit: number;
  readonly longest: number;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pieces: (string | undefined)[];

  /** @param ids Id of each spelling; of several with one id the last one counts. */
  constructor(ids: ReadonlyMap<string, number>) {
    this.#ids = ids;
    let limit = 0;
    let longest = 0;
    for (const [piece, id] of ids) {
      if (id >= limit) limit = id + 1;
      if (piece.length > longest) longest = Math.max(longest, codePointLength(piece));
    }
    this.idLimit = limit;
    this.longest = longest;
    // Made in one piece: V8 would make a table of an array that grows out of order.
    this.#pieces = Array.from({ length: limit });
    for (const [piece, id] of ids) this.#pieces[id] = piece;
  }

  get size(): number {
    return this.#ids.size;
  }

  get(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  has(piece: string): boolean {
    return this.#ids.has(piece);
  }

  piece(id: number): string | undefined {
    return this.#pieces[id];
  }

  pieces(): Iterable<string> {
    return this.#ids.keys();
  }
}

/**
 * The `vocab` object of a model.
 *
 * @throws TextError `tokenizer_invalid` for an id that is no small non-negative integer
 */
export function readVocabulary(json: JsonObject): Vocabulary {
  const ids = new Map<string, number>();
  for (const piece in json) {
    const id = json[piece];
    if (!isTokenId(id)) throw invalidMember(`vocab[${JSON.stringify(piece)}]`, "a token id");
    ids.set(piece, id);
  }
  return new MappedVocabulary(ids);
}

/** Whether a value can be a token id. */
export function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= HIGHEST_ID;
}
