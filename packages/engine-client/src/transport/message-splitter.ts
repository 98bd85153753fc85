import { EngineError } from "../engine-error.ts";
import { HeldBytes } from "./held-bytes.ts";
import { GRPC_PREFIX_BYTES } from "./stream-transport.ts";

/** Hears the messages of one stream; returns false to have the rest held back. */
export type MessageConsumer = (bytes: Buffer, start: number, end: number) => boolean;

/**
 * Where the message that begins at `range.start` ends; 0 when it is not all there, or is none that a
 * {@link MessageSplitter} would take.
 */
export function wholeMessageEnd(
  bytes: Buffer,
  range: { readonly start: number; readonly end: number },
  maxMessageBytes: number,
): number {
  const { start, end } = range;
  if (end - start < GRPC_PREFIX_BYTES || bytes[start] !== 0) return 0;
  const sizeBytes = sizeAt(bytes, start);
  const next = start + GRPC_PREFIX_BYTES + sizeBytes;
  return sizeBytes > maxMessageBytes || next > end ? 0 : next;
}

/** How messages are cut. */
export interface MessageSplitterOptions {
  /** Larger messages are refused. */
  readonly maxMessageBytes: number;
  /** True when the bytes that are pushed are used again for others, so that what is kept has to be copied. */
  readonly isBorrowed: boolean;
}

/**
 * Cuts the bytes of a gRPC response into messages, however they were split on the way. Keeps at most one incomplete
 * message, and what came while a consumer wanted nothing.
 */
export class MessageSplitter {
  readonly #consume: MessageConsumer;
  readonly #options: MessageSplitterOptions;
  /** Pieces of a message that is not complete yet. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Bytes the incomplete message needs in all, prefix included; 0 when its prefix is not complete either. */
  #neededBytes = 0;
  #held: HeldBytes | undefined;

  constructor(consume: MessageConsumer, options: MessageSplitterOptions) {
    this.#consume = consume;
    this.#options = options;
  }

  /** True in the middle of a message. */
  get isInMessage(): boolean {
    return this.#piecesBytes > 0;
  }

  /** True when something waits for {@link MessageSplitter.release}. */
  get isHolding(): boolean {
    return this.#held !== undefined && !this.#held.isEmpty;
  }

  /**
   * Takes the next bytes of the stream, `bytes[start, end)`. Throws an EngineError `protocol` when a message is too large
   * or compressed.
   * @returns false when the consumer wants nothing more for now; what was left is held
   */
  push(bytes: Buffer, start: number, end: number): boolean {
    if (this.isHolding) {
      this.hold(bytes, start, end);
      return false;
    }
    const rest = this.#split(bytes, start, end);
    if (rest === end) return true;
    if (rest > end) return false;
    if (this.#options.isBorrowed) this.hold(bytes, rest, end);
    else (this.#held ??= new HeldBytes()).prepend(bytes.subarray(rest, end));
    return false;
  }

  /** Keeps bytes for later without looking at them. */
  hold(bytes: Buffer, start: number, end: number): void {
    (this.#held ??= new HeldBytes()).append(bytes, start, end);
  }

  /** Goes on with what was held. Returns false when the consumer wants the rest held back again. */
  release(): boolean {
    const held = this.#held;
    if (held === undefined) return true;
    for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
      const rest = this.#split(piece, 0, piece.length);
      if (rest === piece.length) continue;
      if (rest < piece.length) held.prepend(piece.subarray(rest));
      return false;
    }
    return true;
  }

  /** @returns where the consumer wanted to stop: `end` for nowhere, `end + 1` for behind the last message */
  #split(bytes: Buffer, start: number, end: number): number {
    let position = start;
    if (this.#piecesBytes > 0) {
      position = this.#complete(bytes, start, end);
      if (position < 0) return stopAt(-position - 1, end);
    }
    while (end - position >= GRPC_PREFIX_BYTES) {
      const next = position + GRPC_PREFIX_BYTES + this.#messageBytes(bytes, position);
      if (next > end) {
        this.#neededBytes = next - position;
        break;
      }
      const goOn = this.#consume(bytes, position + GRPC_PREFIX_BYTES, next);
      position = next;
      if (!goOn) return stopAt(position, end);
    }
    this.#keep(bytes, position, end);
    return end;
  }

  /** Completes the message that had begun. @returns where the next one begins, or -1 minus that to stop there */
  #complete(bytes: Buffer, start: number, end: number): number {
    let position = start;
    if (this.#neededBytes === 0) {
      position = Math.min(start + GRPC_PREFIX_BYTES - this.#piecesBytes, end);
      this.#keep(bytes, start, position);
      if (this.#piecesBytes < GRPC_PREFIX_BYTES) return end;
      const prefix = Buffer.concat(this.#pieces, GRPC_PREFIX_BYTES);
      this.#pieces = [prefix];
      this.#neededBytes = GRPC_PREFIX_BYTES + this.#messageBytes(prefix, 0);
    }
    const next = position + this.#neededBytes - this.#piecesBytes;
    if (next > end) {
      this.#keep(bytes, position, end);
      return end;
    }
    this.#pieces.push(bytes.subarray(position, next));
    const message = Buffer.concat(this.#pieces, this.#neededBytes);
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#neededBytes = 0;
    return this.#consume(message, GRPC_PREFIX_BYTES, message.length) ? next : -next - 1;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    if (start === end) return;
    const piece = bytes.subarray(start, end);
    this.#pieces.push(this.#options.isBorrowed ? Buffer.from(piece) : piece);
    this.#piecesBytes += piece.length;
  }

  #messageBytes(bytes: Buffer, position: number): number {
    if (bytes[position] !== 0) throw new EngineError("protocol", "the engine sent a compressed message");
    const sizeBytes = sizeAt(bytes, position);
    const { maxMessageBytes } = this.#options;
    if (sizeBytes <= maxMessageBytes) return sizeBytes;
    throw new EngineError(
      "protocol",
      `the engine sent a message of ${sizeBytes} bytes; at most ${maxMessageBytes} are taken`,
    );
  }
}

function sizeAt(bytes: Buffer, position: number): number {
  return (
    (((bytes[position + 1] as number) << 24) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 8) |
      (bytes[position + 4] as number)) >>>
    0
  );
}

/** A stop behind the last byte must not look like no stop. */
function stopAt(position: number, end: number): number {
  return position === end ? end + 1 : position;
}
