import { EngineError } from "../engine-error.ts";
import { batchFrom, protocolError } from "./kv-message.ts";
import { listenZmq, type ZmqCaller, type ZmqListener } from "./listen-zmq.ts";
import { tcpPlace, type TcpPlace } from "./zmq-address.ts";
import { MAX_KV_MESSAGE_BYTES } from "./zmq-limits.ts";
import type { ZmqKvListener, ZmqListening } from "./zmq-kv-events.ts";

/** Where publishers are waited for, and whose. */
export interface ZmqMeeting {
  /** `tcp://host:port`, an address of this machine; `*` for every interface. */
  readonly address: string;
  /** Beginning of the publisher's topics: the only thing that tells one from another. */
  readonly topic: string;
}

/** Callers at one address at most. */
const MOST_CALLERS = 4_096;
/** Topics that nobody waits for, of which is remembered that somebody calls under them. */
const MOST_STRAYS = 1_024;

/**
 * Hears publishers of vLLM's `--kv-events-config` that dial out (an endpoint without `*`), several at one address, told apart by
 * their topics. An address is bound while anybody waits at it. What nobody waits for is passed over; who waits for it later is
 * told at once that the publisher is there, and may ask for a replay.
 */
export class ZmqMeetingPoints {
  readonly #points = new Map<string, MeetingPoint>();

  /**
   * Waits for the publisher of a topic. `connected` is called before its first message, `end` when it hangs up or the address
   * cannot be had: then the waiting is over.
   * @throws EngineError `rejected` for an address that is none, and for a topic that somebody else waits for
   */
  listen({ address, topic }: ZmqMeeting, listener: ZmqKvListener): ZmqListening {
    const known = this.#points.get(address);
    const point =
      known ??
      new MeetingPoint(address, () => {
        if (this.#points.get(address) === point) this.#points.delete(address);
      });
    const listening = point.wait(topic, listener);
    this.#points.set(address, point);
    return listening;
  }
}

interface Guest {
  readonly topic: string;
  readonly listener: ZmqKvListener;
  /** Who has been heard under the topic; undefined before. */
  caller: ZmqCaller | undefined;
  isPaused: boolean;
}

class MeetingPoint {
  readonly #address: string;
  readonly #place: TcpPlace;
  readonly #deserted: () => void;
  readonly #guests = new Set<Guest>();
  readonly #strays = new Map<string, ZmqCaller>();
  #listener: ZmqListener | undefined;
  #isOpen = false;

  constructor(address: string, deserted: () => void) {
    this.#address = address;
    this.#place = placeOf(address);
    this.#deserted = deserted;
  }

  wait(topic: string, listener: ZmqKvListener): ZmqListening {
    for (const guest of this.#guests) {
      if (guest.topic === topic) {
        throw new EngineError(
          "rejected",
          `another engine's publisher is waited for at ${this.#address} under the topic ${JSON.stringify(topic)}: give each a topic of its own`,
        );
      }
    }
    const guest: Guest = { topic, listener, caller: undefined, isPaused: false };
    this.#guests.add(guest);
    if (!this.#isOpen) void this.#open();
    this.#recognise(guest);
    return {
      pause: () => this.#setPaused(guest, true),
      resume: () => this.#setPaused(guest, false),
      stop: () => this.#leave(guest),
    };
  }

  async #open(): Promise<void> {
    this.#isOpen = true;
    const limits = { connections: MOST_CALLERS, messageBytes: MAX_KV_MESSAGE_BYTES, idleMs: 0 };
    try {
      const listener = await listenZmq({ ...this.#place, socketType: "SUB" }, limits, {
        message: (parts, caller) => this.#receive(parts, caller),
        refused: () => undefined,
        left: (caller) => this.#left(caller),
      });
      if (this.#isOpen) this.#listener = listener;
      else await listener.close();
    } catch (error) {
      this.#end([...this.#guests], protocolError(error));
    }
  }

  #receive(parts: readonly Buffer[], caller: ZmqCaller): void {
    const topic = parts[0]?.toString("utf8") ?? "";
    let guest: Guest | undefined;
    for (const each of this.#guests) {
      const isLonger = guest === undefined || each.topic.length > guest.topic.length;
      if (isLonger && topic.startsWith(each.topic)) guest = each;
    }
    if (guest === undefined) {
      if (this.#strays.size < MOST_STRAYS) this.#strays.set(topic, caller);
      return;
    }
    if (guest.caller !== caller) {
      guest.caller = caller;
      guest.listener.connected();
    }
    try {
      guest.listener.batch(batchFrom(parts[1], parts[2]));
    } catch (error) {
      guest.listener.malformed(protocolError(error));
    }
  }

  /** Somebody may have called already under what a guest waits for. */
  #recognise(guest: Guest): void {
    for (const [topic, caller] of this.#strays) {
      if (!topic.startsWith(guest.topic)) continue;
      this.#strays.delete(topic);
      if (guest.caller !== undefined) continue;
      guest.caller = caller;
      // Not before the guest knows that it waits.
      queueMicrotask(() => {
        if (this.#guests.has(guest) && guest.caller === caller) guest.listener.connected();
      });
    }
  }

  #left(caller: ZmqCaller): void {
    for (const [topic, stray] of this.#strays) if (stray === caller) this.#strays.delete(topic);
    const guests = [...this.#guests].filter((guest) => guest.caller === caller);
    this.#end(guests, new EngineError("unavailable", `the publisher that dialled ${this.#address} hung up`));
  }

  #end(guests: readonly Guest[], error: EngineError): void {
    for (const guest of guests) this.#leave(guest);
    for (const guest of guests) guest.listener.end(error);
  }

  #leave(guest: Guest): void {
    this.#guests.delete(guest);
    if (this.#guests.size > 0 || !this.#isOpen) return;
    this.#isOpen = false;
    this.#strays.clear();
    this.#deserted();
    void this.#listener?.close();
    this.#listener = undefined;
  }

  /** All callers share the bound of what is on the way: they are read, or none is. */
  #setPaused(guest: Guest, isPaused: boolean): void {
    guest.isPaused = isPaused;
    if ([...this.#guests].some((each) => each.isPaused)) this.#listener?.pause();
    else this.#listener?.resume();
  }
}

/** @throws EngineError `rejected` */
function placeOf(address: string): TcpPlace {
  const place = tcpPlace(address);
  if (place === undefined) {
    throw new EngineError(
      "rejected",
      `${JSON.stringify(address)} is no address to listen at: write tcp://host:port`,
    );
  }
  return place.host === "*" ? { ...place, host: "0.0.0.0" } : place;
}
