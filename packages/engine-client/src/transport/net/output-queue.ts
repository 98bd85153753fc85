/** Where the bytes of a connection go. */
export interface OutputSocket {
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array): boolean;
}

/** Up to this size, several pieces are copied into one rather than written each by itself. */
const COPY_BYTES = 64 * 1024;

/**
 * Gathers what a connection has to say during one turn of the event loop and writes it at once. Nothing is written before
 * the connection is open.
 */
export class OutputQueue {
  readonly #socket: OutputSocket;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #isOpen = false;
  #isScheduled = false;
  /** While true, whoever set it calls {@link OutputQueue.flush} when it is done. */
  isGathering = false;

  constructor(socket: OutputSocket) {
    this.#socket = socket;
  }

  /** Bytes that the system has not taken yet. */
  get backlogBytes(): number {
    return this.#piecesBytes + this.#socket.writableLength;
  }

  /** Takes bytes; they must not change any more. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
    if (this.#isScheduled || this.isGathering || !this.#isOpen) return;
    this.#isScheduled = true;
    setImmediate(this.#flushScheduled);
  }

  /** The connection is there: writes what has gathered until now. */
  open(): void {
    this.#isOpen = true;
    this.flush();
  }

  /** Writes everything now. */
  flush(): void {
    const pieces = this.#pieces;
    if (pieces.length === 0 || !this.#isOpen) return;
    const sizeBytes = this.#piecesBytes;
    this.#pieces = [];
    this.#piecesBytes = 0;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) this.#socket.write(first);
    else if (sizeBytes <= COPY_BYTES) this.#socket.write(Buffer.concat(pieces, sizeBytes));
    else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }

  /** The connection is gone: forgets everything. */
  close(): void {
    this.#isOpen = false;
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  readonly #flushScheduled = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
