import { rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { SimulatorError } from "./simulator-error.ts";

const GREETING_BYTES = 64;
const MORE = 1;
const LONG = 2;
const COMMAND = 4;
/** What a peer may leave unread; a slow subscriber then loses messages, as with ZMQ's high-water mark. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
/** Requests are a few bytes. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** A connected peer. */
export interface ZmqPeer {
  send(parts: readonly Uint8Array[]): void;
}

interface Peer extends ZmqPeer {
  readonly socket: Socket;
  readonly topics: string[];
}

/** libzmq's. */
const REDIAL_MS = 100;

/** A ZMQ PUB or ROUTER socket that binds, or a PUB that dials, as much of ZMTP 3.0 as vLLM's event publisher shows. */
export class ZmqServer {
  readonly #type: "PUB" | "ROUTER";
  readonly #server: Server;
  readonly #peers = new Set<Peer>();
  readonly #request: (parts: readonly Buffer[], peer: ZmqPeer) => void;
  #dialled: Socket | undefined;
  #redial: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `request` hears the messages of a ROUTER's peers, without their identity. */
  constructor(type: "PUB" | "ROUTER", request: (parts: readonly Buffer[], peer: ZmqPeer) => void) {
    this.#type = type;
    this.#request = request;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Peers that have said what they want to hear. */
  get subscriberCount(): number {
    return [...this.#peers].filter((peer) => peer.topics.length > 0).length;
  }

  /**
   * Binds `tcp://host:port` (`*` for all interfaces, port 0 for a free one) or `ipc://path`; the address to dial.
   * @throws SimulatorError listen_failed
   */
  async bind(endpoint: string): Promise<string> {
    const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint);
    const path = /^ipc:\/\/(.+)$/.exec(endpoint)?.[1];
    if (tcp === null && path === undefined) {
      throw new SimulatorError("listen_failed", `${endpoint} is no tcp:// or ipc:// address`);
    }
    if (path !== undefined) rmSync(path, { force: true });
    const host = tcp?.[1] === "*" ? "0.0.0.0" : tcp?.[1]?.replace(/^\[|\]$/g, "");
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new SimulatorError("listen_failed", `${endpoint}: ${cause.message}`, { cause })),
      );
      this.#server.listen(path === undefined ? { host, port: Number(tcp?.[2]) } : { path }, resolve);
    });
    if (path !== undefined) return endpoint;
    const { port } = this.#server.address() as AddressInfo;
    return `tcp://${host === "0.0.0.0" ? "127.0.0.1" : tcp?.[1]}:${port}`;
  }

  /** Dials `tcp://host:port`, again and again until it is closed; the address. @throws SimulatorError listen_failed */
  dial(endpoint: string): string {
    const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint);
    if (tcp === null) throw new SimulatorError("listen_failed", `${endpoint} is no tcp:// address`);
    const socket = connect({ host: tcp[1]!.replace(/^\[|\]$/g, ""), port: Number(tcp[2]) }, () =>
      this.#accept(socket),
    );
    this.#dialled = socket;
    socket.on("error", () => undefined);
    socket.once("close", () => {
      if (!this.#isClosed) this.#redial = setTimeout(() => this.dial(endpoint), REDIAL_MS);
    });
    return endpoint;
  }

  /** Sends a message to every subscriber of its topic. */
  publish(parts: readonly Uint8Array[]): void {
    const topic = Buffer.from(parts[0] ?? []).toString("latin1");
    for (const peer of this.#peers) {
      if (peer.topics.some((wanted) => topic.startsWith(wanted))) peer.send(parts);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#redial);
    this.#dialled?.destroy();
    for (const { socket } of this.#peers) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const peer: Peer = {
      socket,
      topics: [],
      send: (parts) => {
        if (socket.writableLength <= MAX_BUFFERED_BYTES) socket.write(encodeZmq(parts));
      },
    };
    this.#peers.add(peer);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#peers.delete(peer));
    socket.write(zmqGreeting());
    let pending = Buffer.alloc(0);
    let isGreeted = false;
    let parts: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (pending.length > MAX_REQUEST_BYTES) {
        socket.destroy();
        return;
      }
      if (!isGreeted) {
        if (pending.length < GREETING_BYTES) return;
        isGreeted = true;
        pending = pending.subarray(GREETING_BYTES);
        socket.write(zmqReady(this.#type));
      }
      for (let frame = takeFrame(pending); frame !== undefined; frame = takeFrame(pending)) {
        pending = frame.rest;
        if ((frame.flags & COMMAND) !== 0) continue;
        parts.push(frame.body);
        if ((frame.flags & MORE) === 0) {
          this.#receive(peer, parts);
          parts = [];
        }
      }
    });
  }

  #receive(peer: Peer, parts: readonly Buffer[]): void {
    if (this.#type === "ROUTER") {
      this.#request(parts, peer);
      return;
    }
    const [subscription] = parts;
    const topic = subscription?.toString("latin1", 1) ?? "";
    if (subscription?.[0] === 1) peer.topics.push(topic);
    else if (peer.topics.includes(topic)) peer.topics.splice(peer.topics.indexOf(topic), 1);
  }
}

function takeFrame(
  bytes: Buffer<ArrayBuffer>,
): { flags: number; body: Buffer; rest: Buffer<ArrayBuffer> } | undefined {
  if (bytes.length < 2) return undefined;
  const flags = bytes[0] ?? 0;
  const head = (flags & LONG) === 0 ? 2 : 9;
  if (bytes.length < head) return undefined;
  const size = head === 2 ? (bytes[1] ?? 0) : Number(bytes.readBigUInt64BE(1));
  if (bytes.length < head + size) return undefined;
  return { flags, body: bytes.subarray(head, head + size), rest: bytes.subarray(head + size) };
}

/** A message of these parts. */
export function encodeZmq(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part, index) => [head(part.length, index + 1 < parts.length ? MORE : 0), part]),
  );
}

function head(size: number, flags: number): Buffer {
  if (size < 256) return Buffer.from([flags, size]);
  const bytes = Buffer.alloc(9);
  bytes[0] = flags | LONG;
  bytes.writeBigUInt64BE(BigInt(size), 1);
  return bytes;
}

/** What a peer says first: ZMTP 3.0 without a password. */
export function zmqGreeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write("NULL", 12, "latin1");
  return bytes;
}

/** The READY command of a socket of this type. */
export function zmqReady(type: string): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(type.length);
  const body = Buffer.concat([
    Buffer.from("\u0005READY\u000bSocket-Type", "latin1"),
    value,
    Buffer.from(type, "latin1"),
  ]);
  return Buffer.concat([head(body.length, COMMAND), body]);
}
