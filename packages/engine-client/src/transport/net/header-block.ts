import { EngineError } from "../../engine-error.ts";
import { MAX_HEADER_LIST_BYTES } from "./hpack-decoder.ts";

/** A block of headers may come in so many frames. */
const MAX_FRAGMENTS = 64;

/** A header block that began in a HEADERS frame and goes on in CONTINUATION frames; nothing may come in between. */
export class HeaderBlock {
  /** Stream the open block belongs to; 0 when none is open. */
  streamId = 0;
  /** The stream ends with this block. */
  isEnd = false;
  #fragments: Buffer[] = [];
  #sizeBytes = 0;

  /** Begins a block that goes on. */
  begin(streamId: number, isEnd: boolean): void {
    this.streamId = streamId;
    this.isEnd = isEnd;
  }

  /** Takes the next fragment; it is copied. Throws an EngineError `protocol` when there is no end to it. */
  push(fragment: Buffer): void {
    this.#sizeBytes += fragment.length;
    if (this.#sizeBytes > MAX_HEADER_LIST_BYTES || this.#fragments.length >= MAX_FRAGMENTS) {
      throw new EngineError("protocol", "the engine sent headers that are too large");
    }
    this.#fragments.push(Buffer.from(fragment));
  }

  /** The whole block; afterwards none is open. */
  take(): Buffer {
    const block = Buffer.concat(this.#fragments, this.#sizeBytes);
    this.#fragments = [];
    this.#sizeBytes = 0;
    this.streamId = 0;
    return block;
  }
}
