import { HEAD_END } from "./head-syntax.ts";
import type { RequestHead } from "./request-head.ts";

/** Longer ones may be no safe number, and are refused by who reads them anew. */
const MOST_DIGITS = 15;
const ZERO = 0x30;
const NINE = 0x39;
const LENGTH = /\r\ncontent-length:[\t ]*(?=\d)/i;

/** A head that has been read, to be told from the bytes of the next that differs in nothing but the length of the body. */
export class KnownHead {
  /** Where the head ends, with its empty line, that {@link read} has told. */
  end = 0;
  readonly #head: RequestHead;
  /** With the empty line. */
  readonly #bytes: Buffer;
  /** Where the digits of the length are; at the end, where there is none. */
  readonly #lengthStart: number;
  readonly #lengthEnd: number;

  /** @param text what `head` was read from, without the empty line */
  constructor(text: string, head: RequestHead) {
    const whole = `${text}${HEAD_END}`;
    this.#head = head;
    // Not of the pool that Node cuts small buffers from: it would be held as long as this.
    this.#bytes = Buffer.alloc(whole.length);
    this.#bytes.write(whole, "latin1");
    const match = LENGTH.exec(text);
    this.#lengthStart = match === null ? whole.length : match.index + match[0].length;
    this.#lengthEnd = this.#lengthStart + (match === null ? 0 : (head.header("content-length")?.length ?? 0));
  }

  /** @returns what the head says that starts there; undefined where it differs in more than the length, or is not complete */
  read(bytes: Buffer, start: number): RequestHead | undefined {
    const known = this.#bytes;
    const lengthStart = this.#lengthStart;
    const digitsStart = start + lengthStart;
    if (digitsStart > bytes.length || known.compare(bytes, start, digitsStart, 0, lengthStart) !== 0) {
      return undefined;
    }
    if (lengthStart === known.length) {
      this.end = digitsStart;
      return this.#head;
    }
    let length = 0;
    let position = digitsStart;
    for (; position < bytes.length && position - digitsStart <= MOST_DIGITS; position += 1) {
      const byte = bytes[position] as number;
      if (byte < ZERO || byte > NINE) {
        break;
      }
      length = length * 10 + byte - ZERO;
    }
    const digits = position - digitsStart;
    // With zeros before it the text could not be told from the number.
    if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && bytes[digitsStart] === ZERO)) {
      return undefined;
    }
    const end = position + known.length - this.#lengthEnd;
    if (end > bytes.length || known.compare(bytes, position, end, this.#lengthEnd) !== 0) {
      return undefined;
    }
    this.end = end;
    return length === this.#head.lengthBytes && digits === this.#lengthEnd - lengthStart
      ? this.#head
      : this.#head.withLength(length);
  }
}
