/** Ids of one word: a single id, or a list of them. */
export type WordIds = number | readonly number[];

/**
 * Words seen before with their ids. Bounded: two generations of at most `limit` words each; when the young one is full
 * it becomes the old one and the old one is forgotten. Words longer than 63 code units are not kept.
 */
export class WordCache {
  private young = new Map<string, WordIds>();
  private old = new Map<string, WordIds>();
  private readonly limit: number;

  /** @param limit Words of one generation, default 65,536 (about 15 MB for both generations when full). */
  constructor(limit = 65_536) {
    this.limit = limit;
  }

  /** The ids of a word, or undefined. */
  get(word: string): WordIds | undefined {
    const ids = this.young.get(word);
    if (ids !== undefined) return ids;
    const older = this.old.get(word);
    if (older !== undefined) this.set(word, older);
    return older;
  }

  /** Remembers the ids of a word. */
  set(word: string, ids: WordIds): void {
    // A substring of 13 characters or more keeps the whole text it was cut from alive in V8: keep a copy instead.
    if (word.length < 64) this.store(word.length < 13 ? word : copyOf(word), ids);
  }

  private store(word: string, ids: WordIds): void {
    if (this.young.size >= this.limit) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(word, ids);
  }
}

function copyOf(word: string): string {
  const codeUnits: number[] = [];
  for (let index = 0; index < word.length; index++) codeUnits.push(word.charCodeAt(index));
  return String.fromCharCode(...codeUnits);
}
