import type { EngineHashes, KvBlocksStored, KvEvent, KvEventBatch } from "../kv-event.ts";

/** A made-up engine: names its blocks by hashes of its own and tells what it does with them. */
export class ToldEngine {
  readonly blockTokens: number;
  readonly #names = new Map<string, number>();
  #sequence = 0;
  /** Seconds; grows with every batch. */
  clock = 1_000;

  constructor(blockTokens: number) {
    this.blockTokens = blockTokens;
  }

  /** The engine's hash of the block that ends a prompt's first so many blocks. */
  hashes(tokens: readonly number[], from: number, to: number): EngineHashes {
    const words: number[] = [];
    for (let block = from; block < to; block += 1) {
      const name = tokens.slice(0, (block + 1) * this.blockTokens).join();
      const hash = this.#names.get(name) ?? this.#names.size + 1;
      this.#names.set(name, hash);
      words.push(Math.imul(hash, 0x9e3779b1), hash ^ 0x5bd1e995);
    }
    return Int32Array.from(words);
  }

  stored(tokens: readonly number[], from = 0, extra: Partial<KvBlocksStored> = {}): KvBlocksStored {
    const to = Math.floor(tokens.length / this.blockTokens);
    return {
      kind: "stored",
      hashes: this.hashes(tokens, from, to),
      parent: from === 0 ? undefined : this.hashes(tokens, from - 1, from),
      tokenIds: Int32Array.from(tokens.slice(from * this.blockTokens, to * this.blockTokens)),
      medium: "device",
      ...extra,
    };
  }

  removed(tokens: readonly number[], from: number, extra: { medium?: "host" | "storage"; group?: number } = {}): KvEvent {
    const to = Math.floor(tokens.length / this.blockTokens);
    return { kind: "removed", hashes: this.hashes(tokens, from, to), medium: "device", ...extra };
  }

  batch(...events: KvEvent[]): KvEventBatch {
    const sequence = this.#sequence;
    this.#sequence += 1;
    this.clock += 1;
    return { sequence, timestamp: this.clock, events };
  }

  /** Begins anew: counts from 0, holds nothing. */
  restart(): void {
    this.#sequence = 0;
  }
}
