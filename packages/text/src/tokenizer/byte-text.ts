import { FIRST_COMPOSING } from "./normalizer-steps.ts";
import type { UnitRange } from "./text-units.ts";

/** Bytes beyond the text that may be read (the first is a zero, the others mean nothing). */
const SLACK = 16;
/** Longer buffers are given back after use. */
const KEPT = 1 << 20;
/** Shorter texts are copied here: a call of the encoder costs more. */
const SHORT = 48;

/** Bits of two units that no ASCII character has. */
const BEYOND_ASCII = 0xff80ff80 | 0;

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

  /**
   * Takes units of a text, four at a time where they are ASCII.
   *
   * @param isRefused Whether a character beyond U+02FF is not taken.
   * @returns the number of bytes, or -1 when a character was refused
   */
  setUnits({ view, start, end }: UnitRange, isRefused: (code: number) => boolean): number {
    this.#reserve((end - start) * 3);
    const bytes = this.#bytes;
    const output = this.#view;
    const stop = end * 2;
    let to = 0;
    for (let at = start * 2; at < stop;) {
      if (at + 8 <= stop) {
        const left = view.getInt32(at, true);
        const right = view.getInt32(at + 4, true);
        if (((left | right) & BEYOND_ASCII) === 0) {
          const packed = left | ((left >>> 8) & 0xff00);
          output.setInt32(to, (packed & 0xffff) | (right << 16) | ((right << 8) & 0xff000000), true);
          at += 8;
          to += 4;
          continue;
        }
      }
      let code = view.getUint16(at, true);
      at += 2;
      if (code < 0x80) {
        bytes[to++] = code;
        continue;
      }
      if (code < 0x800) {
        bytes[to++] = 0xc0 | (code >> 6);
      } else {
        if ((code & 0xf800) === 0xd800) {
          const low = code < 0xdc00 && at < stop ? view.getUint16(at, true) : 0;
          if ((low & 0xfc00) === 0xdc00) {
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
            at += 2;
            bytes[to++] = 0xf0 | (code >> 18);
            bytes[to++] = 0x80 | ((code >> 12) & 0x3f);
          } else {
            code = 0xfffd;
            bytes[to++] = 0xef;
          }
        } else {
          bytes[to++] = 0xe0 | (code >> 12);
        }
        bytes[to++] = 0x80 | ((code >> 6) & 0x3f);
      }
      bytes[to++] = 0x80 | (code & 0x3f);
      if (code >= FIRST_COMPOSING && isRefused(code)) return -1;
    }
    bytes[to] = 0;
    return to;
  }

  #reserve(length: number): void {
    const needed = length + SLACK;
    if (needed > this.#bytes.length) this.#replace(Math.max(needed, this.#bytes.length * 2));
  }

  #write(text: string): number {
    if (text.length < SHORT) {
      const length = this.#copyAscii(text);
      if (length >= 0) return length;
    }
    this.#reserve(text.length * 3);
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
