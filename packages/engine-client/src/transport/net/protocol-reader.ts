import { EngineError } from "../../engine-error.ts";
import { AnswerHead } from "./answer-head.ts";
import { FLAG, FRAME } from "./frame.ts";
import { type FrameConsumer, FrameSplitter, type ReceivedFrame } from "./frame-splitter.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { contentOf, type PayloadRange } from "./payload-range.ts";

/** What the engine says on a connection, checked and decoded. */
export interface ProtocolListener {
  /** `bytes` of the frame in `range` is content of the stream; valid only during the call. */
  data(frame: ReceivedFrame, range: PayloadRange): void;
  /** `head` is used again for the next block. */
  headers(streamId: number, head: AnswerHead, isEnd: boolean): void;
  reset(streamId: number, code: number): void;
  settings(frame: ReceivedFrame): void;
  ping(payload: Buffer): void;
  goAway(goodbye: Goodbye): void;
  windowUpdate(streamId: number, increment: number): void;
  /** True when the rest of what was read is of no interest any more. */
  readonly isLost: boolean;
}

/** A GOAWAY frame. */
export interface Goodbye {
  /** Highest stream the engine may have worked on. */
  readonly lastStreamId: number;
  readonly code: number;
  readonly text: string;
}

const MAX_GOODBYE_TEXT = 200;

/** Reads HTTP/2 as a server speaks it. Whatever is malformed is an EngineError `protocol`. */
export class ProtocolReader implements FrameConsumer {
  readonly #listener: ProtocolListener;
  readonly #splitter = new FrameSplitter(this);
  readonly #hpack = new HpackDecoder();
  readonly #head = new AnswerHead();
  readonly #block = new HeaderBlock();

  constructor(listener: ProtocolListener) {
    this.#listener = listener;
  }

  get isLost(): boolean {
    return this.#listener.isLost;
  }

  /** Takes `bytes[0, length)` as they were read. */
  push(bytes: Buffer, length: number): void {
    this.#splitter.push(bytes, length);
  }

  frame(frame: ReceivedFrame): void {
    const { type, streamId } = frame;
    if (this.#block.streamId !== 0 && (type !== FRAME.CONTINUATION || streamId !== this.#block.streamId)) {
      throw violation("interrupts a header block");
    }
    switch (type) {
      case FRAME.DATA:
        this.#listener.data(frame, (frame.flags & FLAG.PADDED) === 0 ? frame : contentOf(frame));
        break;
      case FRAME.HEADERS:
        this.#headers(frame);
        break;
      case FRAME.CONTINUATION:
        this.#continuation(frame);
        break;
      case FRAME.RST_STREAM:
        if (sizeOf(frame) !== 4 || streamId === 0) throw violation("sent a malformed reset");
        this.#listener.reset(streamId, frame.bytes.readUInt32BE(frame.start));
        break;
      case FRAME.SETTINGS:
        if (streamId !== 0) throw violation("sent settings for a stream");
        if ((frame.flags & FLAG.ACK) === 0) this.#listener.settings(frame);
        break;
      case FRAME.PUSH_PROMISE:
        throw violation("pushes streams although it must not");
      case FRAME.PING:
        if (streamId !== 0 || sizeOf(frame) !== 8) throw violation("sent a malformed ping");
        if ((frame.flags & FLAG.ACK) === 0) this.#listener.ping(payloadOf(frame));
        break;
      case FRAME.GOAWAY:
        this.#goAway(frame);
        break;
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdate(frame);
        break;
      default:
      // Priorities and what is not known yet are passed over (RFC 9113 §5.5).
    }
  }

  #headers(frame: ReceivedFrame): void {
    const { flags, streamId, bytes } = frame;
    const range = contentOf(frame);
    const isEnd = (flags & FLAG.END_STREAM) !== 0;
    if (streamId === 0) throw violation("sent headers without a stream");
    if ((flags & FLAG.END_HEADERS) !== 0) {
      this.#decode(bytes, range);
      this.#listener.headers(streamId, this.#head, isEnd);
      return;
    }
    this.#block.begin(streamId, isEnd);
    this.#block.push(bytes.subarray(range.start, range.end));
  }

  #continuation(frame: ReceivedFrame): void {
    const { streamId, isEnd } = this.#block;
    if (streamId === 0) throw violation("continues a header block that it did not begin");
    this.#block.push(payloadOf(frame));
    if ((frame.flags & FLAG.END_HEADERS) === 0) return;
    const bytes = this.#block.take();
    this.#decode(bytes, { start: 0, end: bytes.length });
    this.#listener.headers(streamId, this.#head, isEnd);
  }

  #decode(bytes: Buffer, range: PayloadRange): void {
    this.#head.reset();
    this.#hpack.decode(bytes, range, this.#head.take);
  }

  #goAway(frame: ReceivedFrame): void {
    const payload = payloadOf(frame);
    if (payload.length < 8 || frame.streamId !== 0) throw violation("sent a malformed goodbye");
    this.#listener.goAway({
      lastStreamId: payload.readUInt32BE(0) & 0x7fff_ffff,
      code: payload.readUInt32BE(4),
      text: payload.toString("latin1", 8, Math.min(payload.length, 8 + MAX_GOODBYE_TEXT)),
    });
  }

  #windowUpdate(frame: ReceivedFrame): void {
    const increment = sizeOf(frame) === 4 ? frame.bytes.readUInt32BE(frame.start) & 0x7fff_ffff : 0;
    if (increment === 0) throw violation("sent a malformed window update");
    this.#listener.windowUpdate(frame.streamId, increment);
  }
}

/** The error for an engine that breaks the rules of HTTP/2. */
export function violation(what: string): EngineError {
  return new EngineError("protocol", `the engine ${what}`);
}

function sizeOf(frame: ReceivedFrame): number {
  return frame.end - frame.start;
}

function payloadOf(frame: ReceivedFrame): Buffer {
  return frame.bytes.subarray(frame.start, frame.end);
}
