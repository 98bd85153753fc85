import { EngineError } from "../../engine-error.ts";
import {
  DEFAULT_WINDOW_BYTES,
  FLAG,
  FRAME,
  FRAME_HEAD_BYTES,
  MAX_WINDOW_BYTES,
  writeFrameHead,
} from "./frame.ts";
import type { OutputQueue } from "./output-queue.ts";
import type { PeerSettings } from "./peer-settings.ts";

/** Bodies wait while more than this is on its way to the engine. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

/** A request body that was not sent whole yet. */
interface WaitingBody {
  readonly streamId: number;
  readonly bytes: Buffer;
  sentBytes: number;
  windowBytes: number;
}

/** Sends the requests of a connection as far as the engine's two windows allow; bodies that wait take turns. */
export class SendQueue {
  readonly #output: OutputQueue;
  readonly #settings: PeerSettings;
  readonly #waiting = new Map<number, WaitingBody>();
  #windowBytes = DEFAULT_WINDOW_BYTES;

  constructor(output: OutputQueue, settings: PeerSettings) {
    this.#output = output;
    this.#settings = settings;
  }

  /** Sends the headers of a stream, and its body as far as it may go now. */
  start(streamId: number, block: Buffer, body: Buffer): void {
    const { initialWindowBytes, maxFrameBytes } = this.#settings;
    const largest = Math.min(this.#windowBytes, initialWindowBytes, maxFrameBytes);
    if (this.#waiting.size === 0 && body.length <= largest && block.length <= maxFrameBytes) {
      this.#windowBytes -= body.length;
      this.#output.push(wholeRequest(streamId, block, body));
      return;
    }
    this.#sendHeaders(streamId, block);
    this.#waiting.set(streamId, { streamId, bytes: body, sentBytes: 0, windowBytes: initialWindowBytes });
    this.pump();
  }

  /** True while a part of the stream's body is still to be sent. */
  isSending(streamId: number): boolean {
    return this.#waiting.has(streamId);
  }

  /** The stream ends early: the rest of its body is not sent. */
  drop(streamId: number): void {
    this.#waiting.delete(streamId);
  }

  /** The engine takes more; stream 0 is the whole connection. Throws an EngineError `protocol` when the window overflows. */
  grow(streamId: number, increment: number): void {
    if (streamId === 0) this.#windowBytes = grown(this.#windowBytes, increment);
    else {
      const body = this.#waiting.get(streamId);
      if (body === undefined) return;
      body.windowBytes = grown(body.windowBytes, increment);
    }
    this.pump();
  }

  /** The engine changed the window that every stream begins with, which also changes those that are open. */
  shift(difference: number): void {
    for (const body of this.#waiting.values()) body.windowBytes = grown(body.windowBytes, difference);
    this.pump();
  }

  /** Sends what may be sent. To be called when the socket has drained, too. */
  pump(): void {
    let hasSent = this.#waiting.size > 0;
    while (hasSent) {
      hasSent = false;
      for (const body of this.#waiting.values()) {
        if (this.#windowBytes <= 0 || this.#output.backlogBytes >= MAX_BACKLOG_BYTES) return;
        if (this.#sendSome(body)) hasSent = true;
      }
    }
  }

  #sendSome(body: WaitingBody): boolean {
    const { bytes, streamId, sentBytes } = body;
    const length = Math.min(
      bytes.length - sentBytes,
      body.windowBytes,
      this.#windowBytes,
      this.#settings.maxFrameBytes,
    );
    if (length <= 0) return false;
    const isEnd = sentBytes + length === bytes.length;
    const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
    writeFrameHead(head, 0, { length, type: FRAME.DATA, flags: isEnd ? FLAG.END_STREAM : 0, streamId });
    this.#output.push(head);
    this.#output.push(bytes.subarray(sentBytes, sentBytes + length));
    body.sentBytes += length;
    body.windowBytes -= length;
    this.#windowBytes -= length;
    if (isEnd) this.#waiting.delete(streamId);
    return true;
  }

  /** HEADERS, and CONTINUATION for what does not fit into one frame. */
  #sendHeaders(streamId: number, block: Buffer): void {
    const { maxFrameBytes } = this.#settings;
    let position = 0;
    do {
      const length = Math.min(maxFrameBytes, block.length - position);
      const type = position === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
      const flags = position + length === block.length ? FLAG.END_HEADERS : 0;
      const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
      writeFrameHead(head, 0, { length, type, flags, streamId });
      this.#output.push(head);
      this.#output.push(block.subarray(position, position + length));
      position += length;
    } while (position < block.length);
  }
}

function wholeRequest(streamId: number, block: Buffer, body: Buffer): Buffer {
  const request = Buffer.allocUnsafe(2 * FRAME_HEAD_BYTES + block.length + body.length);
  const headers = { length: block.length, type: FRAME.HEADERS, flags: FLAG.END_HEADERS, streamId };
  let position = writeFrameHead(request, 0, headers);
  position += block.copy(request, position);
  const data = { length: body.length, type: FRAME.DATA, flags: FLAG.END_STREAM, streamId };
  body.copy(request, writeFrameHead(request, position, data));
  return request;
}

function grown(windowBytes: number, increment: number): number {
  const sum = windowBytes + increment;
  if (sum <= MAX_WINDOW_BYTES) return sum;
  throw new EngineError("protocol", "the engine enlarged a window beyond what is possible");
}
