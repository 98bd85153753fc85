import { EngineError } from "../engine-error.ts";
import { GRPC_PREFIX_BYTES } from "./stream-transport.ts";

/** Hears the messages of one stream; returns false to have the rest held back. */
export type MessageConsumer = (bytes: Buffer, start: number, end: number) => boolean;

/**
 * Cuts the bytes of a gRPC response into messages, however they were split on the way. Holds at most one incomplete
 * message, and what a paused consumer left of one piece.
 */
export class MessageSplitter {
  readonly #consume: MessageConsumer;
  readonly #maxMessageBytes: number;
  /** Pieces of a message that is not complete yet. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Bytes the incomplete message needs in all, prefix included; 0 when its prefix is not complete either. */
  #neededBytes = 0;
  #held: Buffer | undefined;

  constructor(consume: MessageConsumer, maxMessageBytes: number) {
    this.#consume = consume;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** True in the middle of a message. */
  get isInMessage(): boolean {
    return this.#piecesBytes > 0;
  }

  /**
   * Takes the next bytes of the stream. Throws an EngineError `protocol` when a message is too large or compressed.
   * Must not be called while something is held.
   */
  push(bytes: Buffer): void {
    if (this.#piecesBytes === 0) {
      this.#split(bytes, 0);
      return;
    }
    let position = 0;
    if (this.#neededBytes === 0) {
      position = Math.min(GRPC_PREFIX_BYTES - this.#piecesBytes, bytes.length);
      this.#keep(bytes.subarray(0, position));
      if (this.#piecesBytes < GRPC_PREFIX_BYTES) return;
      const prefix = Buffer.concat(this.#pieces, GRPC_PREFIX_BYTES);
      this.#pieces = [prefix];
      this.#neededBytes = GRPC_PREFIX_BYTES + this.#messageBytes(prefix, 0);
    }
    const missing = this.#neededBytes - this.#piecesBytes;
    if (bytes.length - position < missing) {
      this.#keep(bytes.subarray(position));
      return;
    }
    this.#pieces.push(bytes.subarray(position, position + missing));
    position += missing;
    const message = Buffer.concat(this.#pieces, this.#neededBytes);
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#neededBytes = 0;
    if (this.#consume(message, GRPC_PREFIX_BYTES, message.length)) this.#split(bytes, position);
    else if (position < bytes.length) this.#held = bytes.subarray(position);
  }

  /** Goes on with what was held. Returns false when the consumer wants the rest held back again. */
  release(): boolean {
    const held = this.#held;
    if (held === undefined) return true;
    this.#held = undefined;
    return this.#split(held, 0);
  }

  #split(bytes: Buffer, start: number): boolean {
    const { length } = bytes;
    let position = start;
    while (length - position >= GRPC_PREFIX_BYTES) {
      const end = position + GRPC_PREFIX_BYTES + this.#messageBytes(bytes, position);
      if (end > length) {
        this.#neededBytes = end - position;
        break;
      }
      const goOn = this.#consume(bytes, position + GRPC_PREFIX_BYTES, end);
      position = end;
      if (goOn) continue;
      if (position < length) this.#held = bytes.subarray(position);
      return false;
    }
    if (position < length) this.#keep(bytes.subarray(position));
    return true;
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }

  #messageBytes(bytes: Buffer, position: number): number {
    if (bytes[position] !== 0) throw new EngineError("protocol", "the engine sent a compressed message");
    const sizeBytes = bytes.readUInt32BE(position + 1);
    if (sizeBytes <= this.#maxMessageBytes) return sizeBytes;
    throw new EngineError(
      "protocol",
      `the engine sent a message of ${sizeBytes} bytes; at most ${this.#maxMessageBytes} are taken`,
    );
  }
}
