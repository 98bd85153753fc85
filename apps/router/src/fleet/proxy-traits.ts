import type { Snapshot } from "@vllm-router/routing-core";
import type { Worker } from "./worker.ts";

/** What matters of a fleet's HTTP workers for placing a request that is passed on. */
export interface ProxyTraits {
  /** Whether any of them is known to have data-parallel ranks. */
  readonly knowsRanks: boolean;
  /** Names that stand for adapters: prompts under them share no cache with those of the base model. */
  readonly adapters: ReadonlySet<string>;
}

/** Reads the traits of each snapshot once. */
export class ProxyTraitsReader {
  readonly #worker: (id: string) => Worker | undefined;
  #snapshot: Snapshot | undefined;
  #traits: ProxyTraits = { knowsRanks: false, adapters: new Set() };

  constructor(worker: (id: string) => Worker | undefined) {
    this.#worker = worker;
  }

  of(snapshot: Snapshot): ProxyTraits {
    if (snapshot !== this.#snapshot) {
      this.#snapshot = snapshot;
      const cards = snapshot.workers.flatMap(({ id }) => this.#worker(id)?.cards ?? []);
      this.#traits = {
        knowsRanks: snapshot.workers.some(({ ranks }) => ranks > 1),
        adapters: new Set(cards.filter(({ parent }) => parent !== undefined).map(({ id }) => id)),
      };
    }
    return this.#traits;
  }
}
