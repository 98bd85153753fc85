import { strictUtf8 } from "./strict-utf8.ts";

const WINDOW_BYTES = 4096;
/** Longer strings are better made by themselves. */
const MOST_BYTES = 512;

/**
 * Makes the many short strings of a text: to decode each by itself takes longer than what is decoded. A stretch of the text is
 * decoded at once, and where it is all ASCII, strings are cut from that.
 */
export class AsciiWindow {
  readonly #bytes: Uint8Array;
  #start = 0;
  #end = 0;
  /** Undefined where there is more than ASCII. */
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The text from `begin` to `end`; undefined when it has to be decoded by itself. */
  text(begin: number, end: number): string | undefined {
    if (end - begin > MOST_BYTES) return undefined;
    if (end > this.#end) {
      // Behind a stretch with more than ASCII the next begins; what lies across its end is decoded by itself.
      if (begin < this.#end && this.#text === undefined) return undefined;
      this.#move(begin);
    }
    return this.#text?.slice(begin - this.#start, end - this.#start);
  }

  #move(start: number): void {
    const end = Math.min(this.#bytes.length, start + WINDOW_BYTES);
    this.#start = start;
    this.#end = end;
    this.#text = asciiText(this.#bytes.subarray(start, end));
  }
}

function asciiText(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes);
    return text.length === bytes.length ? text : undefined;
  } catch {
    // Broken, or cut inside a character.
    return undefined;
  }
}
