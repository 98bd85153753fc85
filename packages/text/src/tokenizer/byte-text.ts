/** Bytes beyond the text that may be read (the first is a zero, the others mean nothing). */
const SLACK = 16;
/** Longer buffers are given back after use. */
const KEPT = 1 << 20;
/** Shorter texts are copied here: a call of the encoder costs more. */
const SHORT = 48;

const encoder = new TextEncoder();

/** The UTF-8 of one text at a time, in memory that is used again. */
export class ByteText {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);

  /** The bytes of the text, and more behind them. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The same bytes for reading four at a time, also up to 16 bytes beyond the text. */
  get view(): DataView {
    return this.#view;
  }

  /** Takes a text; returns the number of its bytes. A lone surrogate becomes U+FFFD. A zero stands behind it. */
  set(text: string): number {
    const length = this.#write(text);
    this.#bytes[length] = 0;
    return length;
  }

  #write(text: string): number {
    if (text.length < SHORT) {
      const length = this.#copyAscii(text);
      if (length >= 0) return length;
    }
    const needed = text.length * 3 + SLACK;
    if (needed > this.#bytes.length) this.#replace(Math.max(needed, this.#bytes.length * 2));
    return encoder.encodeInto(text, this.#bytes).written;
  }

  /** Gives the memory of an unusually long text back. */
  trim(): void {
    if (this.#bytes.length > KEPT) this.#replace(4096);
  }

  #copyAscii(text: string): number {
    const bytes = this.#bytes;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) return -1;
      bytes[index] = unit;
    }
    return text.length;
  }

  #replace(size: number): void {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
