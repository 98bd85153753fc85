import { beginningLength } from "./body-samples.ts";
import type { ReadBody } from "./read-body.ts";

/** Of a body's bytes: themselves, the text made of them, and strings of their own where there are escapes. */
const COPIES = 3;

interface Remembered {
  readonly body: ReadBody;
  readonly hashes: readonly number[];
  readonly weight: number;
  /** Hashes by which it is still found. */
  found: number;
}

/** Bodies found by the hashes of their beginnings; of two bodies with the same hash the newer. */
export class RememberedBodies {
  readonly #mostBytes: number;
  readonly #byHash = new Map<number, Remembered>();
  /** The least recently used first. */
  readonly #bodies = new Set<Remembered>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#bodies.size;
  }

  /** What they take of memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  find(hash: number): ReadBody | undefined {
    return this.#byHash.get(hash)?.body;
  }

  /** That a body was of use: it goes later. */
  use(hash: number): void {
    const remembered = this.#byHash.get(hash);
    if (remembered !== undefined && this.#bodies.delete(remembered)) this.#bodies.add(remembered);
  }

  /** @param hashes of the body's beginnings; those of beginnings longer than its elements are left out */
  add(body: ReadBody, hashes: readonly number[]): void {
    const weight = COPIES * body.bytes.length + (body.weights.at(-1) ?? 0) + body.restWeight;
    if (weight > this.#mostBytes / 4) return;
    const end = body.ends.at(-1) ?? 0;
    const own = new Set(hashes.filter((_, index) => beginningLength(index) <= end));
    if (own.size === 0) return;
    const remembered: Remembered = { body: withOwnBytes(body), hashes: [...own], weight, found: own.size };
    for (const hash of own) {
      const older = this.#byHash.get(hash);
      if (older !== undefined && --older.found === 0) this.#drop(older);
      this.#byHash.set(hash, remembered);
    }
    this.#bodies.add(remembered);
    this.#bytes += weight;
    for (const oldest of this.#bodies) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(remembered: Remembered): void {
    this.#bodies.delete(remembered);
    this.#bytes -= remembered.weight;
    for (const hash of remembered.hashes)
      if (this.#byHash.get(hash) === remembered) this.#byHash.delete(hash);
  }
}

/** The same body, which keeps no memory alive that is much larger than it. */
function withOwnBytes(body: ReadBody): ReadBody {
  const { bytes } = body;
  return bytes.buffer.byteLength <= bytes.length * 1.5 ? body : { ...body, bytes: new Uint8Array(bytes) };
}
