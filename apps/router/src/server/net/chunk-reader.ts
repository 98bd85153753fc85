import { BadRequestError } from "./request-head.ts";

const MAX_EXTENSION_BYTES = 16 * 1024;
const MAX_TRAILER_BYTES = 64 * 1024;
/** 2^48 bytes: more cannot be counted, nor waited for. */
const MAX_SIZE_DIGITS = 12;
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

type State =
  | "size"
  | "extension"
  | "size-end"
  | "chunk"
  | "chunk-end"
  | "chunk-end-lf"
  | "trailer"
  | "trailer-line"
  | "trailer-lf"
  | "last-lf"
  | "done";

/** Reads a body in chunks as it arrives, however it was cut; nothing but what RFC 9112 §7.1 allows. */
export class ChunkReader {
  #state: State = "size";
  /** Bytes of the chunk that are still to come. */
  #leftBytes = 0;
  #lineBytes = 0;
  #trailerBytes = 0;
  #extensionBytes = 0;

  /** The last chunk and its trailers have been read. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /**
   * Takes `bytes[start, end)`, and tells its content in one piece: framing is taken out in place.
   * @returns where the body ended, else `end`
   * @throws BadRequestError
   */
  push(
    bytes: Buffer,
    range: { readonly start: number; readonly end: number },
    tell: (content: Buffer) => void,
  ): number {
    const { start, end } = range;
    let position = start;
    let contentStart = start;
    let contentEnd = start;
    while (position < end && this.#state !== "done") {
      if (this.#state !== "chunk") {
        this.#framing(bytes[position++] as number);
        continue;
      }
      const stop = Math.min(end, position + this.#leftBytes);
      if (contentEnd === contentStart) {
        contentStart = contentEnd = position;
      } else if (contentEnd < position) {
        bytes.copyWithin(contentEnd, position, stop);
      }
      contentEnd += stop - position;
      this.#leftBytes -= stop - position;
      position = stop;
      if (this.#leftBytes === 0) {
        this.#state = "chunk-end";
      }
    }
    if (contentEnd > contentStart) {
      tell(bytes.subarray(contentStart, contentEnd));
    }
    return position;
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case "size":
        this.#size(byte);
        break;
      case "extension":
        this.#extension(byte);
        break;
      case "size-end":
        this.#expect(byte, LF);
        this.#state = this.#leftBytes === 0 ? "trailer" : "chunk";
        this.#lineBytes = 0;
        break;
      case "chunk-end":
        this.#expect(byte, CR);
        this.#state = "chunk-end-lf";
        break;
      case "chunk-end-lf":
        this.#expect(byte, LF);
        this.#state = "size";
        break;
      default:
        this.#trailer(byte);
    }
  }

  #size(byte: number): void {
    const digit = hexValue(byte);
    if (digit >= 0) {
      if (++this.#lineBytes > MAX_SIZE_DIGITS) {
        throw new BadRequestError(413, "a chunk is too large");
      }
      this.#leftBytes = this.#leftBytes * 16 + digit;
    } else if (this.#lineBytes === 0) {
      throw new BadRequestError(400, "a chunk has no size");
    } else if (byte === CR) {
      this.#state = "size-end";
    } else if (byte === SEMICOLON) {
      this.#state = "extension";
    } else {
      throw new BadRequestError(400, "the size of a chunk is malformed");
    }
  }

  /** Extensions are passed over; their bytes are counted over the whole body. */
  #extension(byte: number): void {
    if (byte === CR) {
      this.#state = "size-end";
    } else if (byte === LF || byte === 0) {
      throw new BadRequestError(400, "the extension of a chunk is malformed");
    } else if (++this.#extensionBytes > MAX_EXTENSION_BYTES) {
      throw new BadRequestError(413, "the extensions of chunks are too large");
    }
  }

  /** Trailers are passed over; an empty line ends them. */
  #trailer(byte: number): void {
    if (++this.#trailerBytes > MAX_TRAILER_BYTES) {
      throw new BadRequestError(431, "the trailers are too large");
    }
    switch (this.#state) {
      case "trailer":
        if (byte === LF) {
          throw new BadRequestError(400, "a trailer is malformed");
        }
        this.#state = byte === CR ? "last-lf" : "trailer-line";
        break;
      case "trailer-line":
        if (byte === LF) {
          throw new BadRequestError(400, "a trailer is malformed");
        }
        if (byte === CR) {
          this.#state = "trailer-lf";
        }
        break;
      case "trailer-lf":
        this.#expect(byte, LF);
        this.#state = "trailer";
        break;
      default:
        this.#expect(byte, LF);
        this.#state = "done";
    }
  }

  #expect(byte: number, expected: number): void {
    if (byte !== expected) {
      throw new BadRequestError(400, "the framing of a chunk is malformed");
    }
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) {
    return byte - 0x30;
  }
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
