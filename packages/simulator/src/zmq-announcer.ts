import { connect, type Socket } from "node:net";
import type { Clock, Timer } from "./clock.ts";
import { encodeMsgpack } from "./kv-event-payload.ts";
import { encodeZmq, zmqGreeting, zmqReady } from "./zmq-server.ts";

/** Where an engine announces itself. */
export interface AnnouncementOptions {
  /** `host:port` of the router. */
  readonly to: string;
  /** What it is for; MoRI-IO engines know it by themselves. Default prefill. */
  readonly role?: "P" | "D";
  /** Default 3000, as in vLLM. */
  readonly intervalMs?: number;
}

/** What an engine says of itself. */
export type AnnouncementFields = Readonly<Record<string, string | number>>;

/**
 * A DEALER that says the same again and again, as vLLM's heartbeat for routers does. It dials again when the router was
 * away, with the next message.
 */
export class ZmqAnnouncer implements Disposable {
  readonly #clock: Clock;
  readonly #options: AnnouncementOptions;
  readonly #message: Buffer;
  #socket: Socket | undefined;
  #timer: Timer | undefined;
  #isGreeted = false;

  constructor(clock: Clock, options: AnnouncementOptions, fields: AnnouncementFields) {
    this.#clock = clock;
    this.#options = options;
    this.#message = encodeZmq([encodeMsgpack(new Map(Object.entries(fields)))]);
    this.#say();
  }

  /** Says nothing any more. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#socket?.destroy();
  }

  #say(): void {
    if (this.#socket === undefined) this.#dial();
    else if (this.#isGreeted) this.#socket.write(this.#message);
    this.#timer = this.#clock.after(this.#options.intervalMs ?? 3_000, () => this.#say());
  }

  #dial(): void {
    const { to } = this.#options;
    const colon = to.lastIndexOf(":");
    const socket = connect({ host: to.slice(0, colon), port: Number(to.slice(colon + 1)) });
    this.#socket = socket;
    this.#isGreeted = false;
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    socket.once("data", () => {
      this.#isGreeted = true;
      socket.write(zmqReady("DEALER"));
      socket.write(this.#message);
    });
    socket.write(zmqGreeting());
  }
}
