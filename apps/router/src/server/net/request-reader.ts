import { ChunkReader } from "./chunk-reader.ts";
import { type HeadLimits, HeadReader } from "./head-reader.ts";
import { HEAD_END } from "./head-syntax.ts";
import { BadRequestError, type RequestHead } from "./request-head.ts";

/** Hears one request after the other. */
export interface RequestListener {
  head(head: RequestHead): void;
  /** More of the body; the bytes are the listener's. */
  piece(bytes: Buffer): void;
  /** The request is complete. */
  end(): void;
}

const CR = 0x0d;
const LF = 0x0a;

/**
 * Takes requests apart as they arrive, however they were cut. Stops at the end of each one: the next is read when
 * {@link RequestReader.next} is called.
 */
export class RequestReader {
  readonly #limits: HeadLimits;
  readonly #listener: RequestListener;
  readonly #heads: HeadReader;
  #state: "head" | "length" | "chunks" | "done" = "head";
  /** Beginning of a head that is not complete, in one piece with room for more. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** The carriage return of an empty line has come, its end not yet. */
  #isAfterReturn = false;
  #leftBytes = 0;
  #chunks: ChunkReader | undefined;

  constructor(limits: HeadLimits, listener: RequestListener) {
    this.#limits = limits;
    this.#listener = listener;
    this.#heads = new HeadReader(limits);
  }

  /** The current request has been read to its end. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Nothing of the current request has arrived yet. */
  get isAtStart(): boolean {
    return this.#state === "head" && this.#heldBytes === 0;
  }

  /** Goes on to the next request. */
  next(): void {
    this.#state = "head";
    this.#chunks = undefined;
  }

  /** Takes bytes, which now belong to the reader. @returns where the request ended, else the length @throws BadRequestError */
  push(bytes: Buffer, start: number): number {
    let position = start;
    if (this.#state === "head") {
      const rest = this.#head(bytes, position);
      if (rest < 0) {
        return bytes.length;
      }
      position = rest;
    }
    switch (this.#state) {
      case "length":
        return this.#fixed(bytes, position);
      case "chunks":
        return this.#chunked(bytes, position);
      default:
        return position;
    }
  }

  /** @returns where the head ended, -1 when more of it has to come */
  #head(bytes: Buffer, start: number): number {
    const heldBytes = this.#heldBytes;
    let from = start;
    if (heldBytes === 0) {
      from = this.#skipEmptyLines(bytes, start);
      if (from === bytes.length) {
        return -1;
      }
      const known = this.#heads.readKnown(bytes, from);
      if (known !== undefined) {
        const end = this.#heads.knownEnd;
        this.#begin(known);
        return end;
      }
    }
    const all = heldBytes === 0 ? bytes.subarray(from) : this.#hold(bytes, from);
    const headEnd = all.indexOf(HEAD_END, Math.max(0, heldBytes - 3), "latin1");
    if ((headEnd < 0 ? all.length : headEnd) > this.#limits.maxHeaderBytes) {
      throw new BadRequestError(431, "the head is too large");
    }
    if (headEnd < 0) {
      if (heldBytes === 0) {
        this.#hold(all, 0);
      }
      refuseEarly(all);
      return -1;
    }
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#begin(this.#heads.read(all.toString("latin1", 0, headEnd)));
    return from + headEnd + HEAD_END.length - heldBytes;
  }

  /** Empty lines before a request are passed over (RFC 9112 §2.2). */
  #skipEmptyLines(bytes: Buffer, start: number): number {
    let from = start;
    while (from < bytes.length) {
      const byte = bytes[from];
      if (this.#isAfterReturn !== (byte === LF)) {
        throw new BadRequestError(400, "a line before the request is not empty");
      }
      if (!this.#isAfterReturn && byte !== CR) {
        return from;
      }
      this.#isAfterReturn = byte === CR;
      from++;
    }
    return from;
  }

  /** Keeps a part of a head; doubles the room, so that a head which drips in is not copied again and again. */
  #hold(bytes: Buffer, start: number): Buffer {
    const sizeBytes = this.#heldBytes + bytes.length - start;
    let held = this.#held;
    if (held === undefined || held.length < sizeBytes) {
      const larger = Buffer.allocUnsafe(Math.max(1024, sizeBytes * 2));
      held?.copy(larger, 0, 0, this.#heldBytes);
      held = this.#held = larger;
    }
    bytes.copy(held, this.#heldBytes, start);
    this.#heldBytes = sizeBytes;
    return held.subarray(0, sizeBytes);
  }

  #begin(head: RequestHead): void {
    const { lengthBytes } = head;
    if (lengthBytes === undefined) {
      this.#chunks = new ChunkReader();
      this.#state = "chunks";
    } else {
      this.#leftBytes = lengthBytes;
      this.#state = lengthBytes === 0 ? "done" : "length";
    }
    this.#listener.head(head);
    if (this.#state === "done") {
      this.#listener.end();
    }
  }

  #fixed(bytes: Buffer, start: number): number {
    const stop = Math.min(bytes.length, start + this.#leftBytes);
    this.#leftBytes -= stop - start;
    if (stop > start) {
      this.#listener.piece(start === 0 && stop === bytes.length ? bytes : bytes.subarray(start, stop));
    }
    if (this.#leftBytes === 0) {
      this.#state = "done";
      this.#listener.end();
    }
    return stop;
  }

  #chunked(bytes: Buffer, start: number): number {
    const chunks = this.#chunks as ChunkReader;
    const stop = chunks.push(bytes, { start, end: bytes.length }, (content) => this.#listener.piece(content));
    if (chunks.isDone) {
      this.#state = "done";
      this.#listener.end();
    }
    return stop;
  }
}

/** What is no HTTP at all may have no end either: told by its first line, or its first control character. */
function refuseEarly(head: Buffer): void {
  const first = head[0] as number;
  if (first <= 0x20 || first >= 0x7f) {
    throw new BadRequestError(400, "this is no HTTP");
  }
  const lineFeed = head.indexOf(LF);
  if (lineFeed >= 0 && head[lineFeed - 1] !== CR) {
    throw new BadRequestError(400, "a line ends without a carriage return");
  }
}
