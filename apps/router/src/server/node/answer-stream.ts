import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Larger pieces are given to the system as they are, not copied into one with their framing. */
const COPY_BYTES = 16 * 1024;
const LINE_END = Buffer.from("\r\n");

/**
 * The body of a streamed answer whose head was stored by `writeHead`. Where Node has decided for chunks and the answer
 * owns its socket, chunks are framed here and written to the socket as one string each: `ServerResponse.write` makes three
 * pieces and a tick of its own out of every chunk, which is a quarter of what a token costs. Head and end are left to Node.
 */
export class AnswerStream {
  readonly #outgoing: ServerResponse;
  readonly #drained: () => void;
  /** Where chunks go; undefined while that is not decided, null where it is `ServerResponse.write`. */
  #socket: Socket | null | undefined;
  #isWaiting = false;
  #isHeadOut = false;
  /** Bytes wait in the socket for {@link AnswerStream.flush}. */
  #isCorked = false;

  /** @param drained told when the client took everything, after a write said that it did not */
  constructor(outgoing: ServerResponse, drained: () => void) {
    this.#outgoing = outgoing;
    this.#drained = drained;
  }

  /** Sends the head without waiting for the body. */
  flushHead(): void {
    if (!this.#isHeadOut) {
      this.#isHeadOut = true;
      this.#outgoing.flushHeaders();
    }
  }

  /**
   * Writes text of `sizeBytes` in UTF-8.
   * @returns false when the socket is full
   */
  writeText(text: string, sizeBytes: number): boolean {
    const socket = this.#begin();
    // As many bytes as letters: nothing but ASCII, which needs no encoding.
    const encoding = sizeBytes === text.length ? "latin1" : "utf8";
    if (socket === null) {
      return this.#outgoing.write(text, encoding);
    }
    return this.#hasRoom(socket, socket.write(`${sizeBytes.toString(16)}\r\n${text}\r\n`, encoding));
  }

  /**
   * Writes bytes, which may be overwritten afterwards. They leave at {@link AnswerStream.flush}, or at once when the
   * socket is full.
   * @returns false when the socket is full
   */
  writeBytes(bytes: Uint8Array): boolean {
    const socket = this.#begin();
    // A string is a copy that costs no buffer, and goes out with its framing in one piece.
    const copy = bytes.length <= COPY_BYTES ? latin1Of(bytes) : Buffer.from(bytes);
    if (socket === null) {
      return typeof copy === "string" ? this.#outgoing.write(copy, "latin1") : this.#outgoing.write(copy);
    }
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
    }
    const hasRoom = writeChunk(socket, copy);
    if (!hasRoom) {
      this.flush();
    }
    return this.#hasRoom(socket, hasRoom);
  }

  /** Lets go what {@link AnswerStream.writeBytes} was given. */
  flush(): void {
    if (this.#isCorked) {
      this.#isCorked = false;
      this.#socket?.uncork();
    }
  }

  /** Ends the answer, with a last piece of text where there is one. */
  end(text: string, sizeBytes: number): void {
    if (text === "") {
      this.#outgoing.end();
      return;
    }
    const socket = this.#begin();
    socket?.cork();
    this.writeText(text, sizeBytes);
    this.#outgoing.end();
    socket?.uncork();
  }

  #begin(): Socket | null {
    if (this.#socket === undefined) {
      const outgoing = this.#outgoing;
      const { socket } = outgoing;
      // The answer to a pipelined request has no socket yet, and a client of HTTP/1.0 knows no chunks.
      const isOwn = outgoing.chunkedEncoding && socket !== null && outgoing.writableCorked === 0;
      this.#socket = isOwn ? socket : null;
      this.#isHeadOut ||= !isOwn;
      if (this.#socket !== null && !this.#isHeadOut) {
        // Corked until this turn's writes are done, so that the head travels with the first chunk.
        this.#socket.cork();
        this.flushHead();
        process.nextTick(() => socket?.uncork());
      }
    }
    return this.#socket;
  }

  #hasRoom(socket: Socket, hasRoom: boolean): boolean {
    if (!hasRoom && !this.#isWaiting) {
      this.#isWaiting = true;
      socket.once("drain", () => {
        this.#isWaiting = false;
        this.#drained();
      });
    }
    return hasRoom;
  }
}

function writeChunk(socket: Socket, content: string | Buffer): boolean {
  const size = content.length.toString(16);
  if (typeof content === "string") {
    return socket.write(`${size}\r\n${content}\r\n`, "latin1");
  }
  socket.write(`${size}\r\n`, "latin1");
  socket.write(content);
  return socket.write(LINE_END);
}

function latin1Of(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
