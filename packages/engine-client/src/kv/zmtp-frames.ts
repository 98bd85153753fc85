import { EngineError } from "../engine-error.ts";

const GREETING_BYTES = 64;
/** What we say first: ZMTP 3.0 with the mechanism NULL (no encryption, no password), as libzmq's default. */
export const GREETING: Buffer = greeting();

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** The READY command that follows the greetings. */
export function readyCommand(socketType: "SUB" | "DEALER" | "ROUTER"): Buffer {
  const property = (name: string, value: string): Buffer => {
    const bytes = Buffer.alloc(1 + name.length + 4 + value.length);
    bytes[0] = name.length;
    bytes.write(name, 1, "latin1");
    bytes.writeUInt32BE(value.length, 1 + name.length);
    bytes.write(value, 5 + name.length, "latin1");
    return bytes;
  };
  return command("READY", Buffer.concat([property("Socket-Type", socketType), property("Identity", "")]));
}

/** The answer to a PING, which has a context of its own to send back after the two bytes of its time. */
export function pongCommand(ping: Buffer): Buffer {
  return command("PONG", ping.subarray(2));
}

/** A message of one or several parts. */
export function encodeMessage(parts: readonly Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [index, part] of parts.entries()) {
    pieces.push(frameHead(part.length, index + 1 < parts.length ? MORE : 0), part);
  }
  return Buffer.concat(pieces);
}

/** Hears what a peer sends. */
export interface ZmtpPeerEvents {
  /** The peer's greeting has come and is good. */
  greeted(): void;
  command(name: string, body: Buffer): void;
  /** Valid during the call. */
  message(parts: readonly Buffer[]): void;
}

/** Takes a peer's byte stream apart. Holds at most one message of at most `maxMessageBytes`. */
export class ZmtpParser {
  readonly #events: ZmtpPeerEvents;
  readonly #maxMessageBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes without which looking again is no use. */
  #needed = GREETING_BYTES;
  #isGreeted = false;
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(events: ZmtpPeerEvents, maxMessageBytes: number) {
    this.#events = events;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** @throws EngineError `protocol` when this is no ZMTP 3 peer, or a message is too large */
  push(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes < this.#needed) {
      return;
    }
    const bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending);
    let at = 0;
    if (!this.#isGreeted) {
      checkGreeting(bytes);
      this.#isGreeted = true;
      at = GREETING_BYTES;
      this.#events.greeted();
    }
    at = this.#frames(bytes, at);
    this.#pending = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#pendingBytes = bytes.length - at;
  }

  /** Handles whole frames; where the first one that is not whole begins. */
  #frames(bytes: Buffer, start: number): number {
    for (let at = start; ;) {
      const left = bytes.length - at;
      const flags = left > 0 ? bytes[at]! : 0;
      const headBytes = (flags & LONG) === 0 ? 2 : 9;
      if (left < headBytes) {
        this.#needed = headBytes;
        return at;
      }
      const size = headBytes === 2 ? bytes[at + 1]! : Number(bytes.readBigUInt64BE(at + 1));
      if (this.#partBytes + size > this.#maxMessageBytes) {
        throw new EngineError("protocol", `a ZMQ message has more than ${this.#maxMessageBytes} bytes`);
      }
      if (left < headBytes + size) {
        this.#needed = headBytes + size;
        return at;
      }
      at += headBytes + size;
      this.#frame(flags, bytes.subarray(at - size, at));
    }
  }

  #frame(flags: number, body: Buffer): void {
    if ((flags & COMMAND) !== 0) {
      const nameBytes = body[0] ?? 0;
      this.#events.command(body.toString("latin1", 1, 1 + nameBytes), body.subarray(1 + nameBytes));
      return;
    }
    this.#parts.push(body);
    this.#partBytes += body.length;
    if ((flags & MORE) === 0) {
      const parts = this.#parts;
      this.#parts = [];
      this.#partBytes = 0;
      this.#events.message(parts);
    }
  }
}

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write("NULL", 12, "latin1");
  return bytes;
}

function checkGreeting(bytes: Buffer): void {
  if (bytes[0] !== 0xff || (bytes[9]! & 1) !== 1 || bytes[10]! < 3) {
    throw new EngineError("protocol", "what answers does not speak ZMTP 3");
  }
  const mechanism = bytes.toString("latin1", 12, 32).replace(/\0+$/, "");
  if (mechanism !== "NULL") {
    throw new EngineError(
      "protocol",
      `the ZMQ peer wants the mechanism ${mechanism}; only NULL is supported`,
    );
  }
}

function command(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1"), data]);
  return Buffer.concat([frameHead(body.length, COMMAND), body]);
}

function frameHead(size: number, flags: number): Buffer {
  if (size < 256) {
    return Buffer.from([flags, size]);
  }
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(size), 1);
  return head;
}
