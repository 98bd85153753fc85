import type { Socket } from "node:net";
import { type GatheredWriter, GatheredWrites, type WrittenListener } from "./gathered-writes.ts";

/** What Node's sockets hand to the system with every write; used again as long as the system takes everything at once. */
interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void;
  writer?: SocketWriter;
  written?: WrittenListener | undefined;
}

/** The part of a socket that speaks to the system, as Node makes it. */
interface StreamHandle {
  writeLatin1String(request: WriteRequest | null, text: string): number;
  writeUtf8String(request: WriteRequest | null, text: string): number;
  /** Bytes that the system has not taken yet. */
  readonly writeQueueSize: number;
}

/** Node tries to write so much at once, without memory of its own. */
const DIRECT_BYTES = 16 * 1024;
/** A unit of text takes no more bytes than that in UTF-8. */
const UNIT_BYTES = 3;

/** How requests are made; undefined before the first write of the process, null where it cannot be found out. */
let requestType: (new () => WriteRequest) | null | undefined;
/** No write is under way with it. */
let idleRequest: WriteRequest | undefined;
/** Texts of all sockets that the system is about to be given. */
const gathered = new GatheredWrites();

/**
 * Writes to a socket, alone. Where the system takes it at once, which is nearly always, the socket's stream, its ticks and
 * timers are left out: of what a token costs beside the system call they are the largest part. Whatever is not usual goes
 * through the stream: TLS, bytes, long texts, a stream or a system that holds something back, another kind of handle than Node
 * has today. The order of what is written is the order of calls, whichever way each of them takes.
 *
 * What goes straight to the system goes with that of other sockets, one right after the other ({@link GatheredWrites}): at the
 * latest when everything has been read that was there to read.
 *
 * That the stream holds nothing is known here, as nobody else writes to the socket or ends it: to ask it would fetch its
 * objects, for each token, into a cache that the other streams have filled since.
 */
export class SocketWriter implements GatheredWriter {
  readonly #socket: Socket;
  readonly #isPlain: boolean;
  /** Text may go straight to the system: the stream holds nothing and has not ended. */
  #isStraight = false;
  /** The system still holds text that was written directly: what follows goes through the stream, which knows bounds. */
  #isBehind = false;
  /** Of the text that is gathered; undefined where none is. */
  #gatheredEncoding: "latin1" | "utf8" | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#isPlain = !("encrypted" in socket);
  }

  /**
   * Writes text whose units are bytes (`latin1`), or any text.
   * @returns false when the socket is full: `drain` follows
   */
  write(text: string, encoding: "latin1" | "utf8", written?: WrittenListener): boolean {
    this.#settle();
    if (!this.#mayGoStraight(text, encoding)) {
      return this.#writeToStream(text, encoding, written);
    }
    if (requestType === undefined) {
      return this.#learn(text, encoding, written);
    }
    this.#gatheredEncoding = encoding;
    gathered.add(this, text, written);
    return true;
  }

  writeGathered(text: string, written: WrittenListener | undefined): void {
    const encoding = this.#gatheredEncoding as "latin1" | "utf8";
    this.#gatheredEncoding = undefined;
    // What may go straight still may: whatever would forbid it writes what is gathered first. But the client may have gone.
    const handle = handleOf(this.#socket);
    if (handle === undefined) {
      this.#writeToStream(text, encoding, written);
      return;
    }
    const request = (idleRequest ??= newRequest());
    const status =
      encoding === "latin1" ? handle.writeLatin1String(request, text) : handle.writeUtf8String(request, text);
    if (status !== 0) {
      // As the stream does, with nobody to hear of the error: `close` follows.
      this.#socket.destroy();
    } else if (handle.writeQueueSize > 0) {
      idleRequest = undefined;
      this.#isStraight = false;
      this.#isBehind = true;
      request.writer = this;
      request.written = written;
    } else if (written !== undefined) {
      process.nextTick(written);
    }
  }

  /** Writes bytes, which are the socket's from then on. @returns false when the socket is full: `drain` follows */
  writeBytes(bytes: Uint8Array, written?: WrittenListener): boolean {
    this.#settle();
    this.#isStraight = false;
    return this.#socket.write(bytes, written);
  }

  /** Holds back what is written until {@link uncork}. */
  cork(): void {
    this.#settle();
    this.#isStraight = false;
    this.#socket.cork();
  }

  /** Lets go what is held back. */
  uncork(): void {
    this.#socket.uncork();
  }

  /** Closes the socket when everything is with the system. Nothing is to be written afterwards. */
  close(): void {
    this.release();
    this.#socket.destroySoon();
  }

  /** Closes the socket now. What the system has been given, or was about to be, it delivers if it can. */
  destroy(): void {
    this.release();
    this.#socket.destroy();
  }

  /** Called before so many bytes that came on the socket are worked on: texts for other sockets do not wait for it. */
  beforeRead(bytes: number): void {
    gathered.beforeRead(bytes);
  }

  /** Leaves the socket to others, with everything written that was said here. */
  release(): void {
    this.#settle();
    this.#isStraight = false;
  }

  /** What is gathered of this socket's comes before what is said next. */
  #settle(): void {
    if (this.#gatheredEncoding !== undefined) {
      gathered.flush();
    }
  }

  #writeToStream(text: string, encoding: "latin1" | "utf8", written: WrittenListener | undefined): boolean {
    this.#isStraight = false;
    return this.#socket.write(text, encoding, written);
  }

  /** Writes to the stream, which holds nothing, and sees what it hands to the system. */
  #learn(text: string, encoding: "latin1" | "utf8", written: WrittenListener | undefined): boolean {
    const handle = handleOf(this.#socket);
    if (handle === undefined) {
      return this.#writeToStream(text, encoding, written);
    }
    const name = encoding === "latin1" ? "writeLatin1String" : "writeUtf8String";
    const own = handle[name];
    requestType = null;
    if (typeof own !== "function" || typeof handle.writeQueueSize !== "number") {
      return this.#writeToStream(text, encoding, written);
    }
    handle[name] = function seen(this: StreamHandle, request: WriteRequest | null, data: string): number {
      // Node 26 makes a request only for what the system does not take at once: its stream has nothing to be left out.
      requestType =
        request === null || request.constructor === Object
          ? null
          : (request.constructor as new () => WriteRequest);
      return own.call(this, request, data);
    };
    try {
      return this.#writeToStream(text, encoding, written);
    } finally {
      delete (handle as Partial<StreamHandle>)[name];
    }
  }

  #mayGoStraight(text: string, encoding: "latin1" | "utf8"): boolean {
    const mostBytes = encoding === "latin1" ? text.length : text.length * UNIT_BYTES;
    return mostBytes <= DIRECT_BYTES && requestType !== null && (this.#isStraight || this.#straighten());
  }

  #straighten(): boolean {
    const socket = this.#socket;
    this.#isStraight =
      this.#isPlain &&
      !this.#isBehind &&
      socket.writable &&
      socket.writableLength === 0 &&
      socket.writableCorked === 0;
    return this.#isStraight;
  }

  /** The system took what it held, or never will. */
  completed(status: number, written: WrittenListener | undefined): void {
    this.#isBehind = false;
    if (status < 0) {
      this.#socket.destroy();
    } else {
      written?.();
    }
  }
}

/** Undefined where the socket is closed. */
function handleOf(socket: Socket): StreamHandle | undefined {
  const { _handle: handle } = socket as { readonly _handle?: StreamHandle | null };
  return handle ?? undefined;
}

function newRequest(): WriteRequest {
  const request = new (requestType as new () => WriteRequest)();
  request.oncomplete = requestCompleted;
  request.writer = undefined as never;
  request.written = undefined;
  return request;
}

function requestCompleted(this: WriteRequest, status: number): void {
  this.writer?.completed(status, this.written);
}
