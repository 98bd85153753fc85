import { describe, expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { replayDecision } from "../decision/decision-record.ts";
import { createSnapshot } from "../snapshot.ts";
import { createPolicy, policySharedBytes } from "./policy-registry.ts";
import type { Policy } from "./policy.ts";
import { createTestFleet, plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";

const tokens = (count: number, first = 0): Int32Array =>
  Int32Array.from({ length: count }, (_, index) => first + index);
const prompt = (tokenIds: Int32Array) => testGeneration(0, { tokenIds, promptTokens: tokenIds.length });
const setUp = (workers: number, parameters: Record<string, number> = {}) =>
  createTestFleet({
    policy: "cache_aware",
    workers: plainWorkers(workers),
    // Only the Rust router's rules, unless said otherwise.
    parameters: { waitTokens: 0, ...parameters },
  });

describe("cache_aware", () => {
  it("follows the prefix only when more than the threshold of the prompt is held", () => {
    const fleet = setUp(2, { cacheThreshold: 0.5 });
    const { decision, settlement } = fleet.place(prompt(tokens(160)));
    const holder = decision.legs[0]!.worker;
    settlement.release();
    const half = new Int32Array(320);
    half.set(tokens(160));
    expect(fleet.ask(prompt(half))).toMatchObject({ reason: "least_loaded" });
    const more = half.subarray(0, 319);
    expect(fleet.ask(prompt(more))).toMatchObject({
      reason: "prefix",
      legs: [{ worker: holder, matchedTokens: 160 }],
    });
  });

  it("prefers the longest prefix, then the less loaded holder", () => {
    const fleet = setUp(4, { balanceAbsThreshold: 3 });
    // Fill three workers with the same prompt by holding each placement until the holder counts as overloaded.
    const placed = Array.from({ length: 12 }, () => fleet.place(prompt(tokens(160))));
    const holders = new Set(placed.map(({ decision }) => decision.legs[0]!.worker));
    expect(holders.size).toBe(3);
    const [spare] = ["http://w0", "http://w1", "http://w2", "http://w3"].filter(
      (worker) => !holders.has(worker),
    );
    const busiest = placed[0]!.decision.legs[0]!.worker;
    placed
      .filter(({ decision }) => decision.legs[0]!.worker !== busiest)
      .forEach(({ settlement }) => settlement.release());
    const next = fleet.place(prompt(tokens(160))).decision;
    expect(next.reason).toBe("prefix");
    expect([busiest, spare]).not.toContain(next.legs[0]!.worker);
  });

  it("leaves a holder that is overloaded by both thresholds, and says so", () => {
    const fleet = setUp(2, { balanceAbsThreshold: 4, balanceRelThreshold: 2 });
    const first = fleet.place(prompt(tokens(160))).decision.legs[0]!;
    const reasons = Array.from({ length: 6 }, () => fleet.place(prompt(tokens(160))).decision.reason);
    expect(reasons).toEqual(["prefix", "prefix", "prefix", "prefix", "balance", "prefix"]);
    expect(fleet.ledger.requests(first.slot)).toBe(5);
  });

  it("leaves a busy holder only when it exceeds the relative threshold as well", () => {
    const fleet = setUp(2, { balanceAbsThreshold: 2, balanceRelThreshold: 1.5 });
    const holder = fleet.place(prompt(tokens(160))).decision.legs[0]!.slot;
    const load = (slot: number, requests: number): void => {
      while (fleet.ledger.requests(slot) < requests) {
        fleet.ledger.acquire(slot, { promptTokens: 0, prefillTokens: 0 });
      }
    };
    load(1 - holder, 10);
    load(holder, 15);
    expect(fleet.ask(prompt(tokens(160)))).toMatchObject({ candidate: holder, reason: "prefix" });
    load(holder, 16);
    expect(fleet.ask(prompt(tokens(160)))).toMatchObject({ candidate: 1 - holder, reason: "balance" });
  });

  it("spreads a prompt that many begin with when its holder is crowded, the sooner the shorter it is", () => {
    const spreadOf = (length: number): number => {
      const fleet = setUp(8, { waitTokens: 64 });
      const workers = Array.from(
        { length: 24 },
        () => fleet.place(prompt(tokens(length))).decision.legs[0]!.worker,
      );
      return new Set(workers).size;
    };
    expect(spreadOf(32_768)).toBe(1);
    expect(spreadOf(4_096)).toBeGreaterThan(1);
    expect(spreadOf(1_024)).toBeGreaterThan(spreadOf(4_096));
  });

  describe("with a crowded holder", () => {
    const long = prompt(tokens(8192));
    const short = prompt(tokens(2048, 20_000));
    /** Four workers; one holds both prompts and has 20 in flight: each placement there adds 64 * (20 - 1.5 * 5 - 1) = 736. */
    const crowd = () => {
      const fleet = setUp(4, { waitTokens: 64 });
      const { worker: holder, slot } = fleet.place(long).decision.legs[0]!;
      const idle = [0, 1, 2, 3].filter((other) => other !== slot);
      const elsewhere = idle.map((other) =>
        fleet.ledger.acquire(other, { promptTokens: 0, prefillTokens: 0 }),
      );
      // As long as all have one in flight, turns say who is next; so it is given to the holder by leaving nobody else.
      fleet.publish(plainWorkers(4).filter(({ id }) => id === holder));
      fleet.visit(short);
      // The others have done as much of late.
      for (const other of idle) {
        fleet.publish(plainWorkers(4).filter(({ id }) => id === `http://w${other}`));
        fleet.visit(prompt(tokens(12_000, 100_000 * (1 + other))));
      }
      fleet.publish(plainWorkers(4));
      elsewhere.forEach((entry) => entry.release());
      const crowding = Array.from({ length: 19 }, () =>
        fleet.ledger.acquire(slot, { promptTokens: 0, prefillTokens: 0 }),
      );
      const placements = (count: number, of = long): string[] =>
        Array.from({ length: count }, () => fleet.visit(of));
      return { fleet, holder, crowding, placements };
    };

    it("stays until the holder owes what a copy costs", () => {
      const { fleet, holder, placements } = crowd();
      expect(new Set(placements(12))).toEqual(new Set([holder]));
      const { decision, settlement } = fleet.place(long);
      expect(decision.reason).toBe("balance");
      settlement.release();
      expect(placements(5)).toEqual(Array.from({ length: 5 }, () => decision.legs[0]!.worker));
    });

    it("moves the shorter prefix first, and with it the debt is paid", () => {
      const { holder, placements } = crowd();
      placements(3);
      expect(placements(2, short)[0]).not.toBe(holder);
      // 736 each, of 8192; had nothing been paid, the tenth would go.
      expect(new Set(placements(11))).toEqual(new Set([holder]));
    });

    it("stays when the crowd has gone, whatever the holder owes", () => {
      const { fleet, crowding, placements } = crowd();
      placements(12);
      crowding.forEach((entry) => entry.release());
      expect(fleet.ask(long)).toMatchObject({ reason: "prefix" });
    });

    it("owes what it owes in all threads", () => {
      const slotCapacity = 4;
      const buffer = new SharedArrayBuffer(policySharedBytes("cache_aware", {}, slotCapacity));
      const [one, two] = [0, 1].map(() => createPolicy("cache_aware", {}, { buffer, slotCapacity }));
      const context = {
        generation: long,
        snapshot: createSnapshot({ version: 1, publishedAtMs: 0, workers: [] }),
      };
      const input = new DecisionInputBuffer();
      const gathered = (policy: Policy): number[] => {
        input.begin({ candidates: 2, drawCount: 1, valueCount: policy.valueCount ?? 0 });
        input.addCandidate("http://w0", 0, 0);
        input.addCandidate("http://w3", 3, 0);
        input.inFlightRequests.set([0, 20]);
        policy.gather?.({ ...context, input });
        return [...input.policyValues.subarray(0, 6)];
      };
      gathered(one!);
      one!.settle?.({ ...context, input }, 1);
      const [, noDebt, , work, debt] = gathered(two!);
      expect([noDebt, debt]).toEqual([0, 192 * (20 - 1.5 * 10 - 1)]);
      expect(work).toBeGreaterThan(0);
      // The other one has done nothing: half as much again as the mean is more than any crowd may be.
      two!.settle?.({ ...context, input }, 1);
      expect(gathered(one!)[4]).toBe(debt! + 192 * (20 - 10));
    });

    it("says in the record what each worker owes", () => {
      const { fleet, holder, placements } = crowd();
      placements(2);
      const { input } = fleet.dispatcher.explain(fleet.ask(long));
      expect(
        input.candidates.map(({ worker, policyValues }) => (worker === holder ? 0 : policyValues[1])),
      ).toEqual([0, 0, 0, 0]);
      expect(input.candidates.find(({ worker }) => worker === holder)?.policyValues[1]).toBe(1472);
    });
  });

  describe("with workers that have nothing to do", () => {
    const shared = prompt(tokens(2048));
    /** How many workers have had one of so many requests that begin alike, `atOnce` of them in flight at any time. */
    const workersUsed = (requests: number, atOnce: number, parameters: Record<string, number>): number => {
      const fleet = setUp(8, parameters);
      const running: { release(): void }[] = [];
      const used = new Set<string>();
      for (let request = 0; request < requests; request += 1) {
        const { decision, settlement } = fleet.place(shared);
        used.add(decision.legs[0]!.worker);
        running.push(settlement);
        if (running.length >= atOnce) running.shift()!.release();
      }
      return used.size;
    };

    // 1 token of waiting: what the crowd owes is nothing beside the copy.
    it("takes them once their share of what others get is what a copy costs", () => {
      expect(workersUsed(400, 4, { waitTokens: 1 })).toBeGreaterThan(2);
      expect(workersUsed(60, 4, { waitTokens: 1 })).toBe(1);
    });

    it("leaves them alone while nobody waits for anybody", () => {
      expect(workersUsed(400, 1, {})).toBe(1);
    });

    it("leaves them alone when nothing is to be copied before the thresholds", () => {
      expect(workersUsed(400, 4, { waitTokens: 0 })).toBe(1);
    });

    it("leaves them alone once the crowd has gone, whatever they are credited with", () => {
      const fleet = setUp(8, { waitTokens: 1 });
      const long = prompt(tokens(8192));
      const { decision, settlement } = fleet.place(long);
      settlement.release();
      const { worker: holder, slot } = decision.legs[0]!;
      const crowd = (): { release(): unknown }[] =>
        Array.from({ length: 2 }, () => fleet.ledger.acquire(slot, { promptTokens: 0, prefillTokens: 0 }));
      const crowding = crowd();
      const visited = Array.from({ length: 200 }, () => fleet.visit(long));
      expect(new Set(visited)).toEqual(new Set([holder]));
      crowding.forEach((entry) => entry.release());
      // It begins as the long one does, and costs less than the others are credited with.
      expect(fleet.ask(shared)).toMatchObject({ reason: "prefix", legs: [{ worker: holder }] });
      crowd();
      expect(fleet.ask(shared)).toMatchObject({ reason: "balance" });
    });

    it("says in the record what they are credited with, and why one was taken", () => {
      const fleet = setUp(8, { waitTokens: 1 });
      const { worker: holder, slot } = fleet.place(shared).decision.legs[0]!;
      Array.from({ length: 2 }, () => fleet.ledger.acquire(slot, { promptTokens: 0, prefillTokens: 0 }));
      const records = Array.from({ length: 200 }, () => {
        const record = fleet.dispatcher.explain(fleet.ask(shared));
        fleet.visit(shared);
        return record;
      });
      const firstElsewhere = records.findIndex(({ decision }) => decision.reason !== "prefix");
      const { input, decision } = records[firstElsewhere]!;
      expect(decision.reason).toBe("balance");
      const credits = input.candidates.map(({ policyValues }) => policyValues[2]!);
      const chosen = input.candidates.findIndex(({ worker }) => worker !== holder);
      // 2,048 less what the crowded holder owes; each placement there brings the others an eighth of its work.
      expect(credits[chosen]).toBeGreaterThan(1500);
      expect(credits[chosen]).toBeLessThan(2200);
      expect(input.candidates.find(({ worker }) => worker === holder)?.policyValues[2]).toBe(0);
      for (const record of records) {
        expect(replayDecision(record)).toEqual(record.decision);
      }
    });
  });

  it("counts the answer among the work, as far as it is limited", () => {
    const fleet = setUp(2);
    const cold = (identity: number, maxTokens: number) =>
      fleet.visit({ ...prompt(tokens(64, 10_000 * identity)), maxTokens });
    const long = cold(1, 4096);
    // 64 + 10 each, beside 64 + 1000.
    expect(Array.from({ length: 12 }, (_, index) => cold(2 + index, 1))).not.toContain(long);
    // 0 says nothing of the answer.
    expect([cold(20, 0), cold(21, 0)]).toContain(long);
  });

  it("owes nobody work for a time that is over", () => {
    const fleet = setUp(2);
    const large = fleet.visit(prompt(tokens(32_000)));
    fleet.nowMs += 2000;
    const visited = Array.from({ length: 8 }, (_, index) =>
      fleet.visit(prompt(tokens(64, 100_000 + 1000 * index))),
    );
    expect(visited.filter((worker) => worker === large)).toHaveLength(4);
  });

  it("shares identical prompts out evenly once they are held everywhere", () => {
    const fleet = setUp(2, { balanceAbsThreshold: 2 });
    Array.from({ length: 300 }, () => fleet.place(prompt(tokens(160))));
    expect([fleet.ledger.requests(0), fleet.ledger.requests(1)]).toEqual([150, 150]);
  });

  it("does not divert prompts whose holder is not the overloaded worker", () => {
    const fleet = setUp(3, { balanceAbsThreshold: 2 });
    const calm = fleet.place(prompt(tokens(160, 5000)));
    const busy = Array.from({ length: 4 }, () => fleet.place(prompt(tokens(160))).decision.legs[0]!.slot);
    expect(new Set(busy).size).toBeGreaterThan(1);
    expect(fleet.ask(prompt(tokens(160, 5000)))).toMatchObject({
      reason: "prefix",
      legs: [{ worker: calm.decision.legs[0]!.worker }],
    });
  });

  it("sends cold prompts to the worker that was given least to do of late", () => {
    const fleet = setUp(3);
    const first = fleet.visit(prompt(tokens(160)));
    Array.from({ length: 5 }, () => fleet.visit(prompt(tokens(160))));
    const cold = Array.from({ length: 6 }, (_, index) =>
      fleet.visit(prompt(tokens(160, 1000 * (1 + index)))),
    );
    expect(cold).not.toContain(first);
    const large = fleet.visit(prompt(tokens(32_000, 100_000)));
    const others = Array.from({ length: 6 }, (_, index) =>
      fleet.visit(prompt(tokens(64, 20_000 + 1000 * index))),
    );
    expect(others).not.toContain(large);
  });

  it("sends cold prompts round an idle fleet instead of to one worker", () => {
    const fleet = setUp(4);
    const visited = Array.from({ length: 8 }, (_, index) => fleet.visit(prompt(tokens(64, index * 1000))));
    expect(new Set(visited.slice(0, 4)).size).toBe(4);
    expect(visited.slice(4)).toEqual(visited.slice(0, 4));
  });

  it("sees pending prefill where the number of requests is equal", () => {
    const fleet = setUp(2);
    const long = fleet.place(prompt(tokens(3200))).decision.legs[0]!;
    const short = fleet.place(prompt(tokens(32, 9000))).decision.legs[0]!;
    expect(short.slot).not.toBe(long.slot);
    expect(fleet.visit(prompt(tokens(32, 20_000)))).toBe(short.worker);
  });

  it("books only the part of the prompt that is not in the cache as prefill", () => {
    const fleet = setUp(1);
    fleet.visit(prompt(tokens(160)));
    fleet.place(prompt(tokens(200)));
    expect(fleet.ledger.prefillTokens(0)).toBe(40);
  });

  it("matches text where there are no token ids", () => {
    const fleet = setUp(4);
    const text = "All work and no play makes Jack a dull boy. ".repeat(20);
    const ask = { tokenIds: undefined, promptTokens: 0 };
    const first = fleet.visit(testGeneration(1, { ...ask, text }));
    const { decision } = fleet.place(testGeneration(2, { ...ask, text: `${text}And again.` }));
    expect(decision).toMatchObject({ reason: "prefix", legs: [{ worker: first, matchedTokens: 192 }] });
  });

  it("keeps prompts with different salts and adapters apart", () => {
    const fleet = setUp(2);
    fleet.visit(prompt(tokens(160)));
    expect(fleet.ask({ ...prompt(tokens(160)), cacheSalt: "other" })).toMatchObject({
      reason: "least_loaded",
    });
    expect(fleet.ask({ ...prompt(tokens(160)), loraName: "adapter" })).toMatchObject({
      reason: "least_loaded",
    });
    expect(fleet.ask(prompt(tokens(160)))).toMatchObject({ reason: "prefix" });
  });
});
