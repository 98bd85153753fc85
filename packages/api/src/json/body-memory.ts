import { beginningHashes, SHORTEST_BEGINNING } from "./body-samples.ts";
import type { EqualBytes } from "./common-length.ts";
import { type DecodeAscii, parseJsonBytes } from "./decode-bytes.ts";
import type { JsonValue } from "./json-value.ts";
import { type ReadBody, readBody, type SharedElements, sharedElements } from "./read-body.ts";
import { RememberedBodies } from "./remembered-bodies.ts";
import { OPEN_BRACE } from "./json-punctuation.ts";

/** Bodies that a new one is compared with at most. */
const MOST_COMPARED = 4;

/** What {@link BodyMemory} needs. */
export interface BodyMemoryOptions {
  /** Whether two pieces of bytes of the same length are equal; of native speed, if it is to be worth while. */
  readonly equals: EqualBytes;
  /** Memory that remembered bodies take at most, with what was parsed of them; the least recently used go first. */
  readonly mostBytes: number;
  /** Faster than `TextDecoder` for short pieces. */
  readonly decodeAscii?: DecodeAscii;
}

/**
 * Parses long JSON bodies of which many begin as an earlier one did: conversations come again with each turn. What an earlier
 * body had in its `messages` is taken from there; only what is new is decoded and parsed.
 *
 * An earlier body is found by hashes of few bytes, and counts only as far as all bytes up to there are the same: so nothing is ever
 * taken from a body that differs, whoever sent it. All clients share one memory. None can see what others sent; but how long a
 * body takes tells whether one was here lately that begins with the same bytes, all of them up to the end of a message.
 */
export class BodyMemory {
  readonly #equals: EqualBytes;
  readonly #decodeAscii: DecodeAscii | undefined;
  readonly #bodies: RememberedBodies;

  constructor({ equals, mostBytes, decodeAscii }: BodyMemoryOptions) {
    this.#equals = equals;
    this.#decodeAscii = decodeAscii;
    this.#bodies = new RememberedBodies(mostBytes);
  }

  /** Bodies that are remembered. */
  get size(): number {
    return this.#bodies.size;
  }

  /** What they take of memory, about. */
  get bytes(): number {
    return this.#bodies.bytes;
  }

  /**
   * What {@link parseJsonBytes} gives or throws for the same bytes. The values inside may be the very objects that were given for an
   * earlier body, and are given again: nobody may change them. The object itself is the caller's.
   *
   * @param bytes are kept: nobody may write to them any more
   */
  parse(bytes: Uint8Array): JsonValue {
    // A text that begins otherwise may be in another encoding.
    if (bytes.length < SHORTEST_BEGINNING || bytes[0] !== OPEN_BRACE) return parseJsonBytes(bytes);
    const hashes = beginningHashes(bytes);
    const body = this.#read(bytes, this.#find(bytes, hashes));
    if (body === undefined) return parseJsonBytes(bytes);
    this.#bodies.add(body, hashes);
    return new Map(body.rest).set("messages", body.elements);
  }

  #find(bytes: Uint8Array, hashes: readonly number[]): SharedElements | undefined {
    const compared: ReadBody[] = [];
    for (let index = hashes.length - 1; index >= 0 && compared.length < MOST_COMPARED; index--) {
      const hash = hashes[index] as number;
      const body = this.#bodies.find(hash);
      if (body === undefined || compared.includes(body)) continue;
      const shared = sharedElements(bytes, body, this.#equals);
      if (shared !== undefined) {
        this.#bodies.use(hash);
        return shared;
      }
      compared.push(body);
    }
    return undefined;
  }

  /** @returns undefined for a body that is to be parsed whole: errors and their places are those of the whole */
  #read(bytes: Uint8Array, shared: SharedElements | undefined): ReadBody | undefined {
    try {
      return readBody(bytes, shared, this.#decodeAscii);
    } catch {
      return undefined;
    }
  }
}
