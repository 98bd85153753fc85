import {
  createPolicy,
  createShadowPolicies,
  createSnapshot,
  createWorkerView,
  type Generation,
} from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import type { ShadowedPlacement } from "../observability/decision-observer.ts";
import { RemoteShadows } from "./remote-shadows.ts";
import { ShadowReceiver } from "./shadow-receiver.ts";

const snapshot = createSnapshot({
  version: 1,
  publishedAtMs: 0,
  workers: [0, 1].map((slot) => createWorkerView({ slot, id: `http://worker-${slot}` })),
});
const TOKENS = 64;

function generation(tokens: number = TOKENS): Generation {
  return {
    requestId: "1",
    model: "",
    // A view of something larger, as prompts are.
    tokenIds: new Int32Array(tokens + TOKENS).fill(7).subarray(0, tokens),
    promptTokens: tokens,
    maxTokens: 10,
    requiredFields: [],
    excludedWorkers: [],
  };
}

/** The fleet's thread and so many request threads; messages are copied as between threads, and arrive at once. */
function setUp(threads: number) {
  const timers = createFakeTimers();
  const told: ShadowedPlacement[] = [];
  let dropped = 0;
  let messages = 0;
  const sent: unknown[] = [];
  let isStuck = false;
  const shadowsOf = () =>
    createShadowPolicies({
      policies: [createPolicy("least_load")],
      slotCapacity: 4,
      clock: () => 0,
      random: () => 0,
    });
  const receiver = new ShadowReceiver({
    shadows: { token: shadowsOf(), proxy: shadowsOf() },
    fleet: { snapshot: () => snapshot },
    observer: {
      shadowed: (placement) => told.push(placement),
      shadowsDropped: (placements) => (dropped += placements),
    },
  });
  const remotes = Array.from({ length: threads }, (_, thread) => {
    const remote: RemoteShadows = new RemoteShadows({
      timers,
      send: (records, left) => {
        messages += 1;
        sent.push(...records);
        if (!isStuck) {
          const { placements, bytes } = receiver.receive(thread, structuredClone(records), left);
          remote.taken(placements, bytes);
        }
      },
    });
    return remote;
  });
  /** Places in a thread; what the shadow chose is to be read after a flush. */
  const place = (thread: number, tokens?: number) => {
    const remote = remotes[thread]!;
    const booking = remote.byLane.token.observe(generation(tokens), snapshot, { legs: [{ slot: 0 }] });
    const { decisions: shadows } = booking;
    remote.compared({ policy: "acting", matchedTokens: 3, promptTokens: TOKENS, shadows });
    const placement = remote.placementOf(shadows);
    return { booking, placement, chosen: () => receiver.decisionsOf(thread, placement)[0]?.worker };
  };
  return {
    timers,
    told,
    receiver,
    remotes,
    place,
    sent,
    messages: () => messages,
    dropped: () => dropped,
    stick: (stuck: boolean) => {
      isStuck = stuck;
    },
  };
}

describe("shadow policies of several threads", () => {
  it("decide over one virtual load", () => {
    const { remotes, place, told } = setUp(2);
    const first = place(0);
    remotes[0]!.flush();
    const second = place(1);
    remotes[1]!.flush();
    expect(new Set([first.chosen(), second.chosen()])).toEqual(
      new Set(["http://worker-0", "http://worker-1"]),
    );
    expect(told).toMatchObject([
      { policy: "acting", matchedTokens: 3, promptTokens: TOKENS, shadows: [{ policy: "least_load" }] },
      { policy: "acting", matchedTokens: 3, promptTokens: TOKENS, shadows: [{ policy: "least_load" }] },
    ]);
    second.booking.release();
    remotes[1]!.flush();
    const third = place(0);
    remotes[0]!.flush();
    expect(third.chosen()).not.toBe(first.chosen());
    expect(second.chosen()).toBeUndefined();
  });

  it("take back what a thread had that died", () => {
    const { remotes, place, receiver } = setUp(2);
    const first = place(0);
    remotes[0]!.flush();
    const where = first.chosen();
    place(1);
    remotes[1]!.flush();
    receiver.forgetThread(0);
    const third = place(1);
    remotes[1]!.flush();
    expect(third.chosen()).toBe(where);
  });

  it("are told of many things at once, after a moment", async () => {
    const { timers, remotes, place, messages, sent } = setUp(1);
    const { booking } = place(0);
    for (let token = 0; token < 5; token += 1) {
      booking.firstOutput();
      booking.addOutput(2);
    }
    expect(messages()).toBe(0);
    await timers.advance(5);
    booking.addOutput(1);
    booking.release();
    booking.release();
    booking.addOutput(1);
    remotes[0]!.flush();
    expect(messages()).toBe(2);
    expect(sent).toMatchObject([
      { kind: "placed", lane: "token", slot: 0 },
      { kind: "compared" },
      { kind: "first-output" },
      { kind: "output", tokens: 10 },
      { kind: "output", tokens: 1 },
      { kind: "released" },
    ]);
    const [placed] = sent as { generation: Generation }[];
    expect(placed?.generation.tokenIds?.buffer.byteLength).toBe(4 * TOKENS);
    remotes[0]!.flush();
    expect(messages()).toBe(2);
  });

  it("are told of no more than they take, and of what was left out", () => {
    const { remotes, place, stick, dropped, told } = setUp(1);
    stick(true);
    const large = 4 * 1024 * 1024;
    expect(place(0, large).placement).toBe(1);
    expect(place(0, large).placement).toBe(2);
    const left = place(0, large);
    expect(left.placement).toBeUndefined();
    left.booking.firstOutput();
    left.booking.addOutput(1);
    left.booking.release();
    remotes[0]!.flush();
    stick(false);
    remotes[0]!.taken(2, 8 * large);
    expect(place(0, large).placement).toBe(3);
    expect(place(0, 2 * large).placement).toBeUndefined();
    remotes[0]!.flush();
    expect(dropped()).toBe(1);
    expect(told).toHaveLength(1);
  });

  it("are told of so many placements at once at most", () => {
    const { remotes, place, stick, dropped } = setUp(1);
    stick(true);
    const placements = Array.from({ length: 4_100 }, () => place(0, 1).placement);
    expect(placements.filter((placement) => placement === undefined)).toHaveLength(4);
    stick(false);
    remotes[0]!.flush();
    expect(dropped()).toBe(4);
  });
});
