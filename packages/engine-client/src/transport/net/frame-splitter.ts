import { EngineError } from "../../engine-error.ts";
import { DEFAULT_MAX_FRAME_BYTES, FLAG, FRAME, FRAME_HEAD_BYTES } from "./frame.ts";

/** A frame that came; one object for all frames, valid only while it is told. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Nothing more of the stream is whole in what was read; false where that is not known. */
  readonly isLastOfRead: boolean;
  /** The payload is `bytes[start, end)`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Hears the frames of one connection. */
export interface FrameConsumer {
  frame(frame: ReceivedFrame): void;
  /** True when the rest of what was read is of no interest any more. */
  readonly isLost: boolean;
}

/** Streams whose last frame in a read is known; a power of two. Where two share a place only the later one's is. */
const LAST_FRAMES = 1024;

class ReusedFrame implements ReceivedFrame {
  type = 0;
  flags = 0;
  streamId = 0;
  isLastOfRead = false;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
}

/**
 * Cuts what a connection reads into frames. Whole frames are told in place, without a copy; of a frame that is not
 * complete at most its 16 KiB are kept.
 */
export class FrameSplitter {
  readonly #consumer: FrameConsumer;
  readonly #frame = new ReusedFrame();
  /** Beginning of a frame that is not complete. */
  readonly #rest: Buffer = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + DEFAULT_MAX_FRAME_BYTES);
  #restBytes = 0;
  #isFirst = true;
  /** Where the last whole frame of a stream begins in what is being read, by the low bits of the stream's id. */
  readonly #lastFrames: Int32Array = new Int32Array(LAST_FRAMES);

  constructor(consumer: FrameConsumer) {
    this.#consumer = consumer;
  }

  /** Takes `bytes[0, length)`. Throws an EngineError `protocol` at a frame that is too large, or when this is not HTTP/2. */
  push(bytes: Buffer, length: number): void {
    let position = this.#restBytes === 0 ? 0 : this.#completeRest(bytes, length);
    this.#findLastFrames(bytes, position, length);
    while (length - position >= FRAME_HEAD_BYTES) {
      const end = position + FRAME_HEAD_BYTES + this.#payloadBytes(bytes, position);
      if (end > length) break;
      this.#tell(bytes, position, end);
      if (this.#consumer.isLost) return;
      position = end;
    }
    if (position < length) this.#keep(bytes, position, length);
  }

  /** Looks at the heads of all whole frames: what is done for a stream after its last one finds its memory still near. */
  #findLastFrames(bytes: Buffer, start: number, length: number): void {
    const lastFrames = this.#lastFrames;
    let position = start;
    while (length - position >= FRAME_HEAD_BYTES) {
      const end = position + FRAME_HEAD_BYTES + payloadBytes(bytes, position);
      if (end > length) return;
      lastFrames[slotOf(streamIdAt(bytes, position))] = position;
      position = end;
    }
  }

  /** @returns how much of the bytes belonged to the frame that had begun */
  #completeRest(bytes: Buffer, length: number): number {
    const rest = this.#rest;
    let position = 0;
    if (this.#restBytes < FRAME_HEAD_BYTES) {
      position = Math.min(FRAME_HEAD_BYTES - this.#restBytes, length);
      this.#keep(bytes, 0, position);
      if (this.#restBytes < FRAME_HEAD_BYTES) return position;
    }
    const end = FRAME_HEAD_BYTES + this.#payloadBytes(rest, 0);
    const next = Math.min(position + end - this.#restBytes, length);
    this.#keep(bytes, position, next);
    if (this.#restBytes < end) return next;
    this.#restBytes = 0;
    this.#tell(rest, 0, end);
    return this.#consumer.isLost ? length : next;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes += end - start;
  }

  #tell(bytes: Buffer, position: number, end: number): void {
    const frame = this.#frame;
    frame.type = bytes[position + 3] as number;
    frame.flags = bytes[position + 4] as number;
    frame.streamId = streamIdAt(bytes, position);
    frame.isLastOfRead = bytes !== this.#rest && this.#lastFrames[slotOf(frame.streamId)] === position;
    frame.bytes = bytes;
    frame.start = position + FRAME_HEAD_BYTES;
    frame.end = end;
    this.#consumer.frame(frame);
  }

  #payloadBytes(bytes: Buffer, position: number): number {
    if (this.#isFirst) this.#checkFirst(bytes, position);
    const sizeBytes = payloadBytes(bytes, position);
    if (sizeBytes <= DEFAULT_MAX_FRAME_BYTES) return sizeBytes;
    throw new EngineError("protocol", `the engine sent a frame of ${sizeBytes} bytes`);
  }

  /** Every server begins with its settings; whatever else comes first is another protocol. */
  #checkFirst(bytes: Buffer, position: number): void {
    this.#isFirst = false;
    const isSettings =
      bytes[position + 3] === FRAME.SETTINGS && ((bytes[position + 4] as number) & FLAG.ACK) === 0;
    if (!isSettings) throw new EngineError("protocol", "the engine does not speak HTTP/2");
  }
}

function payloadBytes(bytes: Buffer, position: number): number {
  return (
    ((bytes[position] as number) << 16) |
    ((bytes[position + 1] as number) << 8) |
    (bytes[position + 2] as number)
  );
}

function streamIdAt(bytes: Buffer, position: number): number {
  return (
    (((bytes[position + 5] as number) & 0x7f) << 24) |
    ((bytes[position + 6] as number) << 16) |
    ((bytes[position + 7] as number) << 8) |
    (bytes[position + 8] as number)
  );
}

/** Ids of a client's streams are odd. */
function slotOf(streamId: number): number {
  return (streamId >>> 1) & (LAST_FRAMES - 1);
}
