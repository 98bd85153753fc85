const BLOCK_BYTES = 16 * 1024;

/** Bytes that wait for a paused receiver, copied one behind the other: many small pieces take no more than their bytes. */
export class HeldBytes {
  /** All blocks but the last are closed. */
  readonly #blocks: Buffer[] = [];
  /** Used bytes of the last block; meaningful while it is open. */
  #lastBytes = 0;
  #isLastOpen = false;

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Takes a copy of `bytes[start, end)`. */
  append(bytes: Buffer, start: number, end: number): void {
    let position = start;
    while (position < end) {
      const block = this.#openBlock(end - position);
      const copied = bytes.copy(block, this.#lastBytes, position, end);
      this.#lastBytes += copied;
      position += copied;
    }
  }

  /** Puts a piece in front of everything; it is not copied. */
  prepend(piece: Buffer): void {
    if (piece.length > 0) this.#blocks.unshift(piece);
  }

  /** Takes the first piece out; undefined when there is none. */
  shift(): Buffer | undefined {
    const isLast = this.#blocks.length === 1;
    const block = this.#blocks.shift();
    if (block === undefined || !isLast || !this.#isLastOpen) return block;
    this.#isLastOpen = false;
    return block.subarray(0, this.#lastBytes);
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#isLastOpen = false;
  }

  #openBlock(wantedBytes: number): Buffer {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#isLastOpen && this.#lastBytes < last.length) return last;
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(wantedBytes, 512)));
    this.#blocks.push(block);
    this.#lastBytes = 0;
    this.#isLastOpen = true;
    return block;
  }
}
