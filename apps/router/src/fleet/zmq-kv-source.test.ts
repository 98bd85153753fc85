import {
  EngineError,
  type KvBatch,
  type ZmqKvListener,
  type ZmqReplayListener,
} from "@vllm-router/engine-client";
import type { KvFeed, KvReplayRequest } from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { ZmqKvSource } from "./zmq-kv-source.ts";

const GONE = new EngineError("unavailable", "gone");
const batch = (sequence: number): KvBatch => ({ sequence, timestamp: sequence, events: [] });

/** A source over a network and a feed that only take notes; `wants` is what the feed asks for when asked next. */
function setUp(options: { readonly isUndialable?: boolean; readonly dials?: boolean } = {}) {
  const timers = createFakeTimers();
  const listeners: ZmqKvListener[] = [];
  const replays: { readonly from: number; readonly listener: ZmqReplayListener; isStopped: boolean }[] = [];
  const told: string[] = [];
  const fed: string[] = [];
  const wants: (KvReplayRequest | undefined)[] = [];
  let leases = 0;
  const feed: KvFeed = {
    counts: { batches: 0, duplicates: 0, gaps: 0, repairs: 0, restarts: 0 },
    connected: () => (fed.push("connected"), wants.shift()),
    receive: ({ sequence }) => (fed.push(`batch ${sequence}`), wants.shift()),
    replayed: ({ sequence }) => void fed.push(`replayed ${sequence}`),
    replayEnded: () => (fed.push("replay ended"), wants.shift()),
    replayFailed: () => void fed.push("replay failed"),
    end: () => void fed.push("end"),
  };
  const source = new ZmqKvSource({
    address: { endpoint: "tcp://a:1", replayEndpoint: "tcp://a:2", topic: "", dials: options.dials === true },
    feed,
    timers,
    transport: {
      lease: () => {
        leases += 1;
        return { [Symbol.dispose]: () => void (leases -= 1) };
      },
      listen: (_options, listener) => {
        if (options.isUndialable === true) throw new EngineError("rejected", "no address");
        listeners.push(listener);
        return { stop: () => undefined };
      },
      replay: ({ from }, listener) => {
        const replay = { from, listener, isStopped: false };
        replays.push(replay);
        return { stop: () => void (replay.isStopped = true) };
      },
    },
    changed: (isHeard, detail) => told.push(`${isHeard} ${detail}`),
  });
  return { timers, listeners, replays, told, fed, wants, source, leases: () => leases };
}

describe("ZmqKvSource", () => {
  it("waits at once for a publisher that dials and has hung up, and later for an address that cannot be had", async () => {
    const { timers, listeners } = setUp({ dials: true });
    listeners[0]?.connected();
    listeners[0]?.end(GONE);
    expect(listeners).toHaveLength(2);
    listeners[1]?.end(GONE);
    expect(listeners).toHaveLength(2);
    await timers.advance(100);
    expect(listeners).toHaveLength(3);
  });

  it("dials again, later each time up to five seconds, and soon again once it was heard", async () => {
    const { timers, listeners } = setUp();
    const pauses = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
    for (const [at, pauseMs] of pauses.entries()) {
      listeners.at(-1)?.end(GONE);
      await timers.advance(pauseMs - 1);
      expect(listeners).toHaveLength(at + 1);
      await timers.advance(1);
      expect(listeners).toHaveLength(at + 2);
    }
    listeners.at(-1)?.connected();
    listeners.at(-1)?.end(GONE);
    await timers.advance(100);
    expect(listeners).toHaveLength(pauses.length + 2);
  });

  it("believes a publisher that is away for five seconds, and no longer", async () => {
    const { timers, listeners, fed } = setUp();
    listeners.at(-1)?.connected();
    listeners.at(-1)?.end(GONE);
    await timers.advance(4_000);
    listeners.at(-1)?.connected();
    await timers.advance(60_000);
    expect(fed).toEqual(["connected", "connected"]);
    listeners.at(-1)?.end(GONE);
    await timers.advance(100);
    // Attempts that fail do not put it off.
    listeners.at(-1)?.end(GONE);
    await timers.advance(4_899);
    expect(fed).not.toContain("end");
    await timers.advance(1);
    expect(fed).toEqual(["connected", "connected", "end"]);
  });

  it("gives a replay five seconds of silence, counted from what it said last", async () => {
    const { timers, listeners, replays, fed, wants } = setUp();
    wants.push({ from: 3 });
    listeners.at(-1)?.connected();
    expect(replays.map(({ from }) => from)).toEqual([3]);
    await timers.advance(4_999);
    replays[0]?.listener.batch(batch(3));
    await timers.advance(4_999);
    expect([replays[0]?.isStopped, fed]).toEqual([false, ["connected", "replayed 3"]]);
    await timers.advance(1);
    expect([replays[0]?.isStopped, fed.at(-1)]).toEqual([true, "replay failed"]);
    await timers.advance(60_000);
    expect([timers.size, fed.length]).toEqual([0, 3]);
  });

  it("asks for as many replays as the feed wants, and gives one up with the connection", async () => {
    const { timers, listeners, replays, fed, wants } = setUp();
    wants.push(undefined, { from: 7 }, { from: 0 });
    listeners.at(-1)?.connected();
    listeners.at(-1)?.batch(batch(9));
    replays[0]?.listener.end(undefined);
    expect(replays.map(({ from }) => from)).toEqual([7, 0]);
    replays[1]?.listener.end(GONE);
    expect(fed).toEqual(["connected", "batch 9", "replay ended", "replay failed"]);
    wants.push({ from: 10 });
    listeners.at(-1)?.batch(batch(12));
    listeners.at(-1)?.end(GONE);
    expect([replays[2]?.isStopped, fed.at(-1)]).toEqual([true, "replay failed"]);
    await timers.advance(100);
    expect(listeners).toHaveLength(2);
  });

  it("leaves nothing behind, and says what it cannot dial", async () => {
    const { timers, listeners, replays, fed, wants, source, leases } = setUp();
    wants.push({ from: 0 });
    listeners.at(-1)?.connected();
    source[Symbol.dispose]();
    listeners.at(-1)?.end(GONE);
    await timers.advance(60_000);
    expect([timers.size, leases(), replays[0]?.isStopped, fed.at(-1)]).toEqual([0, 0, true, "end"]);
    const undialable = setUp({ isUndialable: true });
    await undialable.timers.advance(60_000);
    expect([undialable.told, undialable.timers.size]).toEqual([["false no address"], 0]);
  });
});
