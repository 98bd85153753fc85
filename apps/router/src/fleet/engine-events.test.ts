import { EngineError, type KvEventBatch, type KvEventListener } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { EngineEvents, type LoadSample } from "./engine-events.ts";

function batch(fields: Readonly<Record<string, unknown>>): KvEventBatch {
  return {
    sequenceNumber: 1n,
    timestamp: 0,
    events: [],
    snapshot: undefined,
    ...fields,
  } as unknown as KvEventBatch;
}
const load = { runningRequests: 3, waitingRequests: 1, tokenUsage: 0.5, ageMs: 40, loadOnly: true };
const stored = { eventId: 1n, data: { $case: "cleared", value: {} } };

function setUp() {
  const timers = createFakeTimers();
  const subscribed: KvEventListener[] = [];
  let stopped = 0;
  const samples: LoadSample[] = [];
  const blocks: KvEventBatch[] = [];
  let interruptions = 0;
  const events = new EngineEvents({
    source: {
      subscribeKvEvents: (listener) => {
        subscribed.push(listener);
        return { stop: () => void (stopped += 1) };
      },
    },
    timers,
    listeners: [
      { load: (sample) => samples.push(sample) },
      { blocks: (told) => blocks.push(told), interrupted: () => void (interruptions += 1) },
    ],
  });
  return {
    timers,
    subscribed,
    samples,
    blocks,
    events,
    counts: () => ({ stopped, interruptions }),
    latest: () => subscribed.at(-1)!,
  };
}

describe("EngineEvents", () => {
  it("tells loads with their instant, and blocks apart from load records", async () => {
    const { timers, samples, blocks, latest, events } = setUp();
    await timers.advance(1000);
    latest().batch(batch({ load, dpRank: 2 }));
    latest().batch(batch({ events: [stored] }));
    latest().batch(batch({ events: [stored], load: { ...load, loadOnly: false, ageMs: 0 } }));
    expect(samples).toEqual([
      {
        rank: 2,
        load: { runningRequests: 3, waitingRequests: 1, kvCacheUsage: 0.5, observedAtMs: 960 },
      },
      { rank: 0, load: expect.objectContaining({ observedAtMs: 1000 }) as unknown },
    ]);
    expect(blocks).toHaveLength(2);
    expect(events.lastLoadAtMs).toBe(1000);
  });

  it("subscribes again when the stream breaks, later each time, and tells that blocks may be missing", async () => {
    const { timers, subscribed, latest, counts } = setUp();
    const broken = new EngineError("unavailable", "gone");
    latest().end(broken);
    await timers.advance(99);
    expect(subscribed).toHaveLength(1);
    await timers.advance(1);
    expect(subscribed).toHaveLength(2);
    latest().end(undefined);
    await timers.advance(199);
    expect(subscribed).toHaveLength(2);
    await timers.advance(1);
    latest().batch(batch({ load }));
    latest().end(broken);
    await timers.advance(100);
    expect([subscribed.length, counts().interruptions]).toEqual([4, 3]);
  });

  it("gives up on an engine that publishes nothing", async () => {
    const { timers, subscribed, latest, events } = setUp();
    latest().end(new EngineError("unimplemented", "no"));
    await timers.advance(100_000);
    expect([subscribed.length, events.isPublished, timers.size]).toEqual([1, false, 0]);
  });

  it("leaves nothing behind", async () => {
    const { timers, subscribed, latest, events, counts } = setUp();
    latest().end(new EngineError("unavailable", "gone"));
    events[Symbol.dispose]();
    latest().end(undefined);
    await timers.advance(100_000);
    expect([subscribed.length, timers.size, counts()]).toEqual([1, 0, { stopped: 1, interruptions: 1 }]);
  });
});
