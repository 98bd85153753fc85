/** What an index must answer when nothing is ever evicted: per slot the set of prefixes it holds. */
export class MapModel {
  readonly #held: readonly Set<string>[];

  constructor(slots: number) {
    this.#held = Array.from({ length: slots }, () => new Set<string>());
  }

  insert(prompt: readonly number[], slot: number): number {
    const before = this.#held[slot]!.size;
    prompt.forEach((_, index) => this.#held[slot]!.add(prompt.slice(0, index + 1).join()));
    return this.#held[slot]!.size - before;
  }

  truncate(prompt: readonly number[], slot: number, from: number): void {
    for (let end = from + 1; end <= prompt.length; end += 1) {
      this.#held[slot]!.delete(prompt.slice(0, end).join());
    }
  }

  clear(slot: number): void {
    this.#held[slot]!.clear();
  }

  match(prompt: readonly number[]): number[] {
    return this.#held.map((held) => {
      const gap = prompt.findIndex((_, index) => !held.has(prompt.slice(0, index + 1).join()));
      return gap < 0 ? prompt.length : gap;
    });
  }
}
