const STEP_BYTES = 1024 * 1024;

/**
 * Many megabytes that come in pieces, each copied behind the others into one block of memory that grows where it is. A list of pieces
 * would take twice as much to be joined, and leave holes in the process's memory that nothing else fills: 10 MB after an archive of 11.
 */
export class GrowingBytes {
  readonly #mostBytes: number;
  readonly #block: ArrayBuffer;
  #sizeBytes = 0;

  /** Takes at most so many bytes; that much is reserved, and memory only as it is filled. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#block = new ArrayBuffer(0, { maxByteLength: mostBytes });
  }

  /** Takes a copy of a piece. @returns false when it is too much; then nothing was taken */
  append(piece: Uint8Array): boolean {
    const endBytes = this.#sizeBytes + piece.length;
    if (endBytes > this.#mostBytes) return false;
    if (endBytes > this.#block.byteLength) {
      this.#block.resize(Math.min(this.#mostBytes, Math.max(endBytes, this.#block.byteLength + STEP_BYTES)));
    }
    new Uint8Array(this.#block, this.#sizeBytes, piece.length).set(piece);
    this.#sizeBytes = endBytes;
    return true;
  }

  /** What came so far, not copied. */
  bytes(): Buffer {
    return Buffer.from(this.#block, 0, this.#sizeBytes);
  }
}
