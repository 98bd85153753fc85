/** Told when what was written is with the system, or why it never will be. */
export type WrittenListener = (error?: Error | null) => void;

/** What a text of {@link GatheredWrites} belongs to. */
export interface GatheredWriter {
  /** Gives the system the text that was gathered, and tells nobody of it before it returns. */
  writeGathered(text: string, written: WrittenListener | undefined): void;
}

/**
 * So many texts are written one right after the other. More gain little more (docs/performance-notes.md, _Writes one after
 * the other_), and the first of them wait longer for the last.
 */
const MOST_TEXTS = 32;

/**
 * Texts for many sockets that are written one right after the other, instead of each as soon as it is made: a read from an
 * engine has tokens of hundreds of streams. Between two writes nothing else runs then, which finds the system's code and its
 * tables still in the processor's caches, and a client that reads several streams, or the machine's network card, has the
 * next one to do before it falls asleep over the last.
 *
 * No text waits for anything that is yet to come: what was gathered is written when the running callback of the system has
 * returned, in a microtask, if not before.
 */
export class GatheredWrites {
  readonly #writers: (GatheredWriter | undefined)[] = Array.from({ length: MOST_TEXTS });
  readonly #texts: string[] = Array.from({ length: MOST_TEXTS }, () => "");
  readonly #writtens: (WrittenListener | undefined)[] = Array.from({ length: MOST_TEXTS });
  #count = 0;
  #isPlanned = false;

  /** Takes the text for later; or, being full, writes it with all others now. */
  add(writer: GatheredWriter, text: string, written: WrittenListener | undefined): void {
    const place = this.#count;
    this.#writers[place] = writer;
    this.#texts[place] = text;
    this.#writtens[place] = written;
    this.#count = place + 1;
    if (place + 1 >= MOST_TEXTS) {
      this.flush();
    } else if (!this.#isPlanned) {
      this.#isPlanned = true;
      queueMicrotask(this.#flushPlanned);
    }
  }

  /** Writes everything that was gathered. */
  flush(): void {
    const count = this.#count;
    this.#count = 0;
    for (let place = 0; place < count; place += 1) {
      const writer = this.#writers[place];
      const text = this.#texts[place] as string;
      const written = this.#writtens[place];
      this.#writers[place] = undefined;
      this.#texts[place] = "";
      this.#writtens[place] = undefined;
      writer?.writeGathered(text, written);
    }
  }

  readonly #flushPlanned = (): void => {
    this.#isPlanned = false;
    this.flush();
  };
}
