import { BUCKET_WORDS, EPOCH, type PrefixTableLayout } from "./prefix-table-layout.ts";

/** Buckets whose versions are noted at most; a lookup that needs more is not checked. */
const NOTED = 4_096;

/**
 * Lets readers of other threads find out that the only writer was at work where they looked: a sequence lock per bucket, and
 * one for what concerns all of them. A number is odd while something is being changed. A reader notes the numbers of the
 * buckets it looks into and finds, when they are the same at the end, that it has seen the table of one instant.
 */
export class BucketVersions {
  readonly #words: Int32Array;
  readonly #entriesStart: number;
  readonly #versionsStart: number;
  readonly #notedWords = new Int32Array(NOTED);
  readonly #notedValues = new Int32Array(NOTED);
  #count = 0;
  #epoch = 0;
  #isSettled = true;

  /** @param words the table itself: the numbers are read and written atomically */
  constructor(words: Int32Array, layout: PrefixTableLayout) {
    this.#words = words;
    this.#entriesStart = layout.entriesStart;
    this.#versionsStart = layout.versionsStart;
  }

  /** Writer: the entry is about to change, or has. Called in pairs. */
  turn(entry: number): void {
    Atomics.add(this.#words, this.#versionOf(entry), 1);
  }

  /** Writer: what all buckets depend on is about to change, or has. Called in pairs. */
  turnAll(): void {
    Atomics.add(this.#words, EPOCH, 1);
  }

  /** Reader: begins a lookup. */
  begin(): void {
    this.#count = 0;
    this.#epoch = Atomics.load(this.#words, EPOCH);
    this.#isSettled = (this.#epoch & 1) === 0;
  }

  /** Reader: is about to look into an entry's bucket. */
  note(entry: number): void {
    const word = this.#versionOf(entry);
    const value = Atomics.load(this.#words, word);
    if (this.#count === NOTED || (value & 1) !== 0) {
      this.#isSettled = false;
      return;
    }
    this.#notedWords[this.#count] = word;
    this.#notedValues[this.#count] = value;
    this.#count += 1;
  }

  /** Reader: whether everything since `begin` was seen as it was at one instant. */
  end(): boolean {
    if (!this.#isSettled || Atomics.load(this.#words, EPOCH) !== this.#epoch) {
      return false;
    }
    for (let at = 0; at < this.#count; at += 1) {
      if (Atomics.load(this.#words, this.#notedWords[at]!) !== this.#notedValues[at]) {
        return false;
      }
    }
    return true;
  }

  #versionOf(entry: number): number {
    return this.#versionsStart + Math.floor((entry - this.#entriesStart) / BUCKET_WORDS);
  }
}
