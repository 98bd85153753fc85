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

/** Bytes from clients that are worked on while texts wait: a dozen of short requests, some tenths of a millisecond. */
const MOST_READ_BYTES = 4 * 1024;

/**
 * Texts for many sockets that are written one right after the other, instead of each as soon as it is made: a read from an
 * engine has tokens of hundreds of streams, and one turn of the event loop reads many engines. Between two writes nothing
 * else runs then, which finds the system's code and its tables still in the processor's caches, and a client that reads
 * several streams, or the machine's network card, has the next one to do before it falls asleep over the last.
 *
 * No text waits for anything that is yet to come: what was gathered is written when what the system had ready has been
 * read, if not before; and no text waits for long work, which is that on a client's request ({@link beforeRead}).
 */
export class GatheredWrites {
  readonly #writers: (GatheredWriter | undefined)[] = Array.from({ length: MOST_TEXTS });
  readonly #texts: string[] = Array.from({ length: MOST_TEXTS }, () => "");
  readonly #writtens: (WrittenListener | undefined)[] = Array.from({ length: MOST_TEXTS });
  #count = 0;
  #isPlanned = false;
  /** From clients, since the first text that waits. */
  #readBytes = 0;

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
      setImmediate(this.#flushPlanned);
    }
  }

  /** What is gathered goes out before so many bytes of a client's are worked on, unless they are few. */
  beforeRead(bytes: number): void {
    if (this.#count > 0) {
      this.#readBytes += bytes;
      if (this.#readBytes > MOST_READ_BYTES) {
        this.flush();
      }
    }
  }

  /** Writes everything that was gathered. */
  flush(): void {
    const count = this.#count;
    this.#count = 0;
    this.#readBytes = 0;
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
