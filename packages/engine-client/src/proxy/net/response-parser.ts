import type { WholeChunks } from "../../engine.ts";
import { HEX_VALUES } from "./hex-values.ts";
import { malformed, parseResponseHead, type ResponseHead } from "./response-head.ts";

/** Hears one answer. */
export interface ResponseListener {
  /** Interim answers (1xx) are not told. */
  head(head: ResponseHead): void;
  /** `bytes[start, end)` of the body; valid only during the call. At most one call per push, after that of `chunks`. */
  bytes(bytes: Buffer, start: number, end: number): void;
  /** Whole chunks are to be told with their framing. */
  readonly takesChunks: boolean;
  /** Chunks of the body that came whole; valid only during the call. At most one call per push. */
  chunks(chunks: WholeChunks): void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 4 * 1024;
const MAX_TRAILER_BYTES = 64 * 1024;
const MAX_INTERIM_ANSWERS = 32;
const NO_BYTES = Buffer.alloc(0);
const HEAD_END = "\r\n\r\n";
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
/** Sizes with more digits are left to the parser of single bytes. */
const MAX_PLAIN_DIGITS = 7;

type State =
  | "head"
  | "length"
  | "until-close"
  | "size"
  | "extension"
  | "size-end"
  | "chunk"
  | "chunk-end"
  | "chunk-end-lf"
  | "trailer"
  | "trailer-line"
  | "done";

/**
 * Parses one answer as it arrives, however it was cut. The framing of chunks is taken out in place: what a push holds of
 * a body is told in one piece, without a copy of its own.
 */
export class ResponseParser {
  readonly #listener: ResponseListener;
  readonly #method: string;
  #state: State = "head";
  /** Beginning of a head that is not complete. */
  #held: Buffer | undefined;
  #interim = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #leftBytes = 0;
  /** Digits of a chunk's size, or bytes of an extension or of trailers, so far. */
  #lineBytes = 0;
  #isLastChunk = false;
  #lastHead: ResponseHead | undefined;
  /** One object for all calls. */
  readonly #whole: { -readonly [Key in keyof WholeChunks]: WholeChunks[Key] } = {
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    contentBytes: 0,
  };

  constructor(method: string, listener: ResponseListener) {
    this.#method = method;
    this.#listener = listener;
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** The head of the answer, once it has come. */
  get head(): ResponseHead | undefined {
    return this.#lastHead;
  }

  /** Takes `bytes[start, end)`, which may be overwritten. Throws an EngineError `protocol`. @returns where the answer ended, else `end` */
  push(bytes: Buffer, start: number, end: number): number {
    let position = start;
    while (this.#state === "head" && position < end) {
      const rest = this.#head(bytes, position, end);
      if (rest === undefined) return end;
      position = rest;
    }
    switch (this.#state) {
      case "done":
      case "head":
        return position;
      case "length":
        return this.#fixed(bytes, position, end);
      case "until-close":
        if (position < end) this.#listener.bytes(bytes, position, end);
        return end;
      default:
        if (this.#state === "size" && this.#lineBytes === 0 && this.#listener.takesChunks)
          position = this.#wholeChunks(bytes, position, end);
        return this.#chunks(bytes, position, end);
    }
  }

  /** The connection was closed. @returns true when that is the end of the answer, false when the answer is incomplete */
  close(): boolean {
    if (this.#state === "until-close") this.#state = "done";
    return this.#state === "done";
  }

  /** @returns where the head ended, undefined when more of it has to come */
  #head(bytes: Buffer, start: number, end: number): number | undefined {
    const held = this.#held;
    const heldBytes = held?.length ?? 0;
    const all =
      held === undefined ? bytes.subarray(start, end) : Buffer.concat([held, bytes.subarray(start, end)]);
    const headEnd = all.indexOf(HEAD_END, Math.max(0, heldBytes - 3), "latin1");
    if (headEnd < 0 ? all.length > MAX_HEAD_BYTES : headEnd > MAX_HEAD_BYTES)
      throw malformed("has a head that is too large");
    if (headEnd < 0) {
      // What is no HTTP at all has no end either.
      if (all.length >= 5 && all.toString("latin1", 0, 5) !== "HTTP/")
        throw malformed("does not begin with a status");
      this.#held = held === undefined ? Buffer.from(all) : all;
      return undefined;
    }
    this.#held = undefined;
    this.#begin(parseResponseHead(all.toString("latin1", 0, headEnd), this.#method));
    return start + headEnd + HEAD_END.length - heldBytes;
  }

  #begin(head: ResponseHead): void {
    if (head.status === 101) throw malformed("changes the protocol");
    if (head.status < 200) {
      if (++this.#interim > MAX_INTERIM_ANSWERS) throw malformed("has too many interim answers");
      return;
    }
    this.#lastHead = head;
    const { framing } = head;
    switch (framing.kind) {
      case "none":
        this.#state = "done";
        break;
      case "length":
        this.#leftBytes = framing.sizeBytes;
        this.#state = framing.sizeBytes === 0 ? "done" : "length";
        break;
      case "chunked":
        this.#state = "size";
        break;
      case "until-close":
        this.#state = "until-close";
        break;
    }
    this.#listener.head(head);
  }

  #fixed(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#leftBytes);
    this.#leftBytes -= stop - start;
    if (this.#leftBytes === 0) this.#state = "done";
    if (stop > start) this.#listener.bytes(bytes, start, stop);
    return stop;
  }

  /** Tells the chunks that came whole and are written as plainly as can be. @returns where the first other one begins */
  #wholeChunks(bytes: Buffer, start: number, end: number): number {
    let position = start;
    let contentBytes = 0;
    while (position < end) {
      let at = position;
      let sizeBytes = 0;
      for (let digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, at)) {
        sizeBytes = sizeBytes * 16 + digit;
        if (++at - position > MAX_PLAIN_DIGITS) break;
      }
      // The last chunk has the trailers behind it.
      if (sizeBytes === 0 || at - position > MAX_PLAIN_DIGITS) break;
      const next = at + sizeBytes + 4;
      if (next > end || !isLineEnd(bytes, at) || !isLineEnd(bytes, next - 2)) break;
      contentBytes += sizeBytes;
      position = next;
    }
    if (position > start) {
      const whole = this.#whole;
      whole.bytes = bytes;
      whole.start = start;
      whole.end = position;
      whole.contentBytes = contentBytes;
      this.#listener.chunks(whole);
    }
    return position;
  }

  #chunks(bytes: Buffer, start: number, end: number): number {
    let position = start;
    /** Content so far is `bytes[contentStart, contentEnd)`. */
    let contentStart = start;
    let contentEnd = start;
    while (position < end && this.#state !== "done") {
      if (this.#state !== "chunk") {
        this.#framing(bytes[position++] as number);
        continue;
      }
      const stop = Math.min(end, position + this.#leftBytes);
      if (contentEnd === contentStart) contentStart = contentEnd = position;
      else if (contentEnd < position) bytes.copyWithin(contentEnd, position, stop);
      contentEnd += stop - position;
      this.#leftBytes -= stop - position;
      position = stop;
      if (this.#leftBytes === 0) this.#state = "chunk-end";
    }
    if (contentEnd > contentStart) this.#listener.bytes(bytes, contentStart, contentEnd);
    return position;
  }

  /** One byte between the contents of chunks (RFC 9112 §7.1). */
  #framing(byte: number): void {
    switch (this.#state) {
      case "size":
        this.#size(byte);
        break;
      case "extension":
        if (byte === CR) this.#state = "size-end";
        else if (byte === LF || ++this.#lineBytes > MAX_CHUNK_LINE_BYTES)
          throw malformed("has a malformed chunk");
        break;
      case "size-end":
        if (byte !== LF) throw malformed("has a malformed chunk");
        this.#isLastChunk = this.#leftBytes === 0;
        this.#state = this.#isLastChunk ? "trailer" : "chunk";
        this.#lineBytes = 0;
        break;
      case "chunk-end":
        if (byte !== CR) throw malformed("has a chunk that is longer than it says");
        this.#state = "chunk-end-lf";
        break;
      case "chunk-end-lf":
        if (byte !== LF) throw malformed("has a chunk that is longer than it says");
        this.#state = "size";
        break;
      default:
        this.#trailer(byte);
    }
  }

  #size(byte: number): void {
    const digit = HEX_VALUES[byte] as number;
    if (digit >= 0) {
      // 2^52 bytes and more cannot be counted, nor waited for.
      if (++this.#lineBytes > 12) throw malformed("has a chunk that is too large");
      this.#leftBytes = this.#leftBytes * 16 + digit;
    } else if (this.#lineBytes === 0) throw malformed("has a chunk without a size");
    else if (byte === CR) this.#state = "size-end";
    else if (byte === SEMICOLON || byte === 0x20 || byte === 0x09) this.#state = "extension";
    else throw malformed("has a malformed chunk");
  }

  /** Trailers are passed over; an empty line ends them. */
  #trailer(byte: number): void {
    if (++this.#lineBytes > MAX_TRAILER_BYTES) throw malformed("has trailers that are too large");
    if (byte === LF) {
      if (this.#state === "trailer") this.#state = "done";
      else this.#state = "trailer";
    } else if (byte !== CR) this.#state = "trailer-line";
  }
}

/** Value of a hexadecimal digit, -1 for any other byte. */
function digitAt(bytes: Buffer, at: number): number {
  return HEX_VALUES[bytes[at] ?? 0] as number;
}

function isLineEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF;
}
