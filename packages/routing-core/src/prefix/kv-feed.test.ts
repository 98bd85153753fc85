import { describe, expect, it } from "vitest";
import { ToldEngine } from "./__fixtures__/told-engine.ts";
import { createBlockHasher } from "./block-keys.ts";
import { createEngineCaches } from "./engine-caches.ts";
import type { KvEventBatch } from "./kv-event.ts";
import { createKvFeed, type KvFeed } from "./kv-feed.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const hasher = createBlockHasher({ blockTokens: 4 });
const prompt = (identity: number): number[] => Array.from({ length: 8 }, (_, i) => identity * 100 + i);

function setUp(canReplay: boolean): {
  feed: KvFeed;
  engine: ToldEngine;
  store: (identity: number) => KvEventBatch;
  holds: (identity: number) => boolean;
  isTold: () => boolean;
} {
  const all = createEngineCaches({
    index: createPrefixIndex({ slotCapacity: 1, capacityBytes: 1 << 16 }),
    slotCapacity: 1,
    clock: () => 0,
    blockTokens: 4,
    toldBytes: 1 << 14,
  });
  const engine = new ToldEngine(4);
  const matched = new Int32Array(1);
  return {
    feed: createKvFeed({ cache: all.cache(0), canReplay }),
    engine,
    store: (identity) => engine.batch(engine.stored(prompt(identity))),
    holds: (identity) =>
      all.match(hasher.hashTokens(Int32Array.from([...prompt(identity), 0]), {}), matched) === 2,
    isTold: () => all.cache(0).isTold,
  };
}

describe("createKvFeed()", () => {
  it("applies batches in order and drops duplicates", () => {
    const { feed, engine, store, holds } = setUp(false);
    const first = store(1);
    const removal = engine.batch(engine.removed(prompt(1), 0));
    const third = store(2);
    expect([first, removal, removal, first, third].map((batch) => feed.receive(batch))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([holds(1), holds(2)]).toEqual([false, true]);
    expect(feed.counts).toMatchObject({ batches: 5, duplicates: 2, gaps: 0, restarts: 0 });
  });

  it("tells of an emptied cache and of a new engine, and of blocks that do not fit, once", () => {
    const all = createEngineCaches({
      index: createPrefixIndex({ slotCapacity: 1, capacityBytes: 1 << 16 }),
      slotCapacity: 1,
      clock: () => 0,
      blockTokens: 4,
      toldBytes: 1 << 14,
    });
    const told: string[] = [];
    const feed = createKvFeed({
      cache: all.cache(0),
      canReplay: false,
      emptied: () => told.push("emptied"),
      misfit: (tokens) => told.push(`misfit ${tokens}`),
    });
    const engine = new ToldEngine(4);
    feed.receive(engine.batch(engine.stored(prompt(1))));
    expect(told).toEqual([]);
    feed.receive(engine.batch({ kind: "cleared" }));
    expect(told.splice(0)).toEqual(["emptied"]);
    const other = new ToldEngine(6);
    feed.receive({ ...other.batch(other.stored(prompt(2).slice(0, 6))), sequence: 0, timestamp: 1e9 });
    feed.receive({ ...other.batch(other.stored(prompt(3).slice(0, 6))), sequence: 1, timestamp: 1e9 + 1 });
    expect(told).toEqual(["emptied", "misfit 6"]);
    expect(all.cache(0).isTold).toBe(false);
  });

  it("believes nothing before the first event", () => {
    const { feed, engine, isTold } = setUp(false);
    feed.receive(engine.batch());
    expect(isTold()).toBe(false);
    feed.receive(engine.batch({ kind: "cleared" }));
    expect(isTold()).toBe(true);
    feed.end();
    expect(isTold()).toBe(false);
  });

  it("forgets everything at a gap that cannot be repaired, and goes on from there", () => {
    const { feed, store, holds } = setUp(false);
    feed.receive(store(1));
    store(2);
    feed.receive(store(3));
    expect([holds(1), holds(2), holds(3)]).toEqual([false, false, true]);
    expect(feed.counts).toMatchObject({ gaps: 1, repairs: 0 });
  });

  it("repairs a gap by replay from the last batch it knows", () => {
    const { feed, store, holds } = setUp(true);
    const batches = [1, 2, 3, 4].map(store);
    feed.receive(batches[0]!);
    expect(feed.receive(batches[2]!)).toEqual({ from: 0 });
    expect(feed.receive(batches[3]!)).toBeUndefined();
    expect(holds(3)).toBe(false);
    batches.slice(0, 3).forEach((batch) => feed.replayed(batch));
    expect(feed.replayEnded()).toBeUndefined();
    expect([1, 2, 3, 4].map(holds)).toEqual([true, true, true, true]);
    expect(feed.counts).toMatchObject({ gaps: 1, repairs: 1, restarts: 0 });
  });

  it("asks for everything when it begins to listen late", () => {
    const { feed, store, holds } = setUp(true);
    const batches = [1, 2, 3].map(store);
    expect(feed.connected()).toEqual({ from: 0 });
    feed.receive(batches[2]!);
    batches.forEach((batch) => feed.replayed(batch));
    expect(feed.replayEnded()).toBeUndefined();
    expect([1, 2, 3].map(holds)).toEqual([true, true, true]);
  });

  it("takes what is left of a history that has been cut", () => {
    const { feed, store, holds } = setUp(true);
    const batches = [1, 2, 3, 4].map(store);
    feed.receive(batches[0]!);
    expect(feed.receive(batches[3]!)).toEqual({ from: 0 });
    feed.replayed(batches[2]!);
    // What it knows is older than what the publisher knows: everything again.
    expect(feed.replayEnded()).toEqual({ from: 0 });
    batches.slice(2).forEach((batch) => feed.replayed(batch));
    expect(feed.replayEnded()).toBeUndefined();
    expect([1, 2, 3, 4].map(holds)).toEqual([false, false, true, true]);
  });

  it("notices an engine that has begun anew", () => {
    const { feed, engine, store, holds } = setUp(false);
    feed.receive(store(1));
    feed.receive(store(2));
    engine.restart();
    feed.receive(store(3));
    expect([1, 2, 3].map(holds)).toEqual([false, false, true]);
    expect(feed.counts).toMatchObject({ restarts: 1 });
  });

  it("notices an engine that has begun anew while nobody listened, whatever its numbers are", () => {
    const { feed, engine, store, holds } = setUp(true);
    feed.receive(store(1));
    feed.receive(store(2));
    engine.restart();
    const later = [3, 4, 5].map(store);
    expect(feed.connected()).toEqual({ from: 1 });
    feed.receive(later[2]!);
    later.slice(1).forEach((batch) => feed.replayed(batch));
    expect(feed.replayEnded()).toEqual({ from: 0 });
    later.forEach((batch) => feed.replayed(batch));
    expect(feed.replayEnded()).toBeUndefined();
    expect([1, 2, 3, 4, 5].map(holds)).toEqual([false, false, true, true, true]);
  });

  it("forgets what it knew when it has not listened for a while and nothing can be replayed", () => {
    const { feed, store, holds } = setUp(false);
    expect(feed.connected()).toBeUndefined();
    feed.receive(store(1));
    expect(feed.connected()).toBeUndefined();
    expect(holds(1)).toBe(false);
    feed.receive(store(2));
    expect(holds(2)).toBe(true);
  });

  it("forgets what it knew when a replay fails or brings nothing", () => {
    for (const end of ["replayFailed", "replayEnded"] as const) {
      const { feed, store, holds } = setUp(true);
      feed.receive(store(1));
      store(2);
      expect(feed.receive(store(3))).toEqual({ from: 0 });
      expect(feed[end]()).toBeUndefined();
      expect([1, 2, 3].map(holds)).toEqual([false, false, true]);
    }
  });

  it("does not keep more than its bound while a replay runs", () => {
    const { feed, store, holds } = setUp(true);
    feed.receive(store(1));
    store(2);
    feed.receive(store(3));
    for (let identity = 4; identity < 5_000; identity += 1) {
      feed.receive(store(identity % 50));
    }
    expect([holds(1), holds(4)]).toEqual([true, true]);
    expect(feed.receive(store(60))).toBeUndefined();
    expect(holds(60)).toBe(true);
  });
});
