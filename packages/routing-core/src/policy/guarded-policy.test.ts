import { describe, expect, it } from "vitest";
import { plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";
import type { PlaceDecision } from "../decision/decision.ts";
import { createDispatcher } from "../decision/dispatcher.ts";
import { createLedger } from "../ledger.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import { createSeededRandom } from "../random-source.ts";
import { createSnapshot } from "../snapshot.ts";
import { createCustomPolicy, type CustomPolicy } from "./custom-policy.ts";
import { createPolicyGuard, type GuardFault } from "./guarded-policy.ts";
import { createPolicy } from "./policy-registry.ts";

function setUp(fallback = "sticky") {
  const clock = { nowMs: 0 };
  const faults: (readonly [GuardFault, string])[] = [];
  const guard = createPolicyGuard({
    fallback: createPolicy(fallback),
    budgetMs: 5,
    clock: () => clock.nowMs,
    onFault: (fault, error) => faults.push([fault, (error as Error).message]),
  });
  const ledger = createLedger({ slotCapacity: 8 });
  const index = createPrefixIndex({ slotCapacity: 8, capacityBytes: 1 << 16 });
  const dispatcher = createDispatcher({
    policy: guard,
    ledger,
    index,
    recorder: index,
    clock: () => clock.nowMs,
    random: createSeededRandom(1),
  });
  const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers: plainWorkers(3) });
  const place = (identity = 1): { worker: string; policy: string; decision: PlaceDecision } => {
    const decision = dispatcher.decide(
      dispatcher.gather(testGeneration(identity), snapshot),
    ) as PlaceDecision;
    const record = dispatcher.explain(decision);
    dispatcher.settle(decision).release();
    return { worker: decision.legs[0]!.worker, policy: record.input.policy, decision };
  };
  const put = (policy: Partial<CustomPolicy>): void =>
    guard.guard({ policy: createCustomPolicy({ name: "own", ...policy }) });
  return { clock, faults, guard, place, put, ledger };
}

describe("createPolicyGuard()", () => {
  it("lets the guarded policy decide, with its own state", () => {
    const { place, put, faults, guard } = setUp();
    let turns = 0;
    put({
      valueCount: 3,
      gather: ({ input }) => {
        input.policyValues[turns * input.valueCount + 2] = 7;
      },
      choose: (input, choice) => {
        choice.candidate = [0, 1, 2].find((candidate) => input.policyValues[candidate * 3 + 2] === 7)!;
      },
      settle: (_, candidate) => {
        turns = (candidate + 1) % 3;
      },
    });
    expect([1, 2, 3, 4].map(() => place())).toMatchObject([
      { worker: "http://w0", policy: "own" },
      { worker: "http://w1", policy: "own" },
      { worker: "http://w2", policy: "own" },
      { worker: "http://w0", policy: "own" },
    ]);
    expect([faults, guard.isActive]).toEqual([[], true]);
  });

  it.each<readonly [string, Partial<CustomPolicy>, GuardFault]>([
    [
      "throws while it gathers",
      {
        score: () => 1,
        gather: () => {
          throw new Error("oh");
        },
      },
      "exception",
    ],
    [
      "throws while it scores",
      {
        score: () => {
          throw new Error("oh");
        },
      },
      "exception",
    ],
    ["gives a score that is no number", { score: () => NaN }, "bad_result"],
    ["gives no score", { score: () => undefined as unknown as number }, "bad_result"],
    ["chooses nobody", { choose: (_, choice) => void (choice.candidate = 3) }, "bad_result"],
    ["chooses half a worker", { choose: (_, choice) => void (choice.candidate = 0.5) }, "bad_result"],
    [
      "names the chosen one as runner-up",
      { choose: (_, choice) => void (choice.runnerUp = 0) },
      "bad_result",
    ],
    [
      "makes up a reason",
      { choose: (_, choice) => void (choice.reason = "because" as unknown as "score") },
      "bad_result",
    ],
  ])("falls back in the same decision when it %s", (_, policy, fault) => {
    const { place, put, faults, guard } = setUp();
    const first = place(7).worker;
    put({ valueCount: 4, ...policy });
    expect(place(7)).toMatchObject({ worker: first, policy: "sticky", decision: { reason: "affinity" } });
    expect(faults.map(([name]) => name)).toEqual([fault]);
    expect(guard.isActive).toBe(false);
    place();
    expect(faults).toHaveLength(1);
  });

  it("keeps a decision whose settling fails, and disables the policy", () => {
    const { place, put, faults, ledger } = setUp();
    put({
      score: (_, candidate) => candidate,
      settle: () => {
        throw new Error("oh");
      },
    });
    expect(place()).toMatchObject({ worker: "http://w2", policy: "own" });
    expect(place().policy).toBe("sticky");
    expect([faults, ledger.totalRequests()]).toEqual([[["exception", "oh"]], 0]);
  });

  it("disables a policy that takes too long three times within a minute, not before", () => {
    const { clock, place, put, faults } = setUp();
    let tookMs = 6;
    put({
      choose: () => {
        clock.nowMs += tookMs;
      },
    });
    place();
    place();
    clock.nowMs += 60_000;
    place();
    place();
    tookMs = 5;
    place();
    expect(faults).toEqual([]);
    tookMs = 9;
    expect(place().policy).toBe("own");
    expect(faults).toEqual([["overlong", "3 calls took longer than 5 ms, the last one 9.0 ms"]]);
    expect(place().policy).toBe("sticky");
  });

  it("takes the policy's own word on how long it was busy", () => {
    const { clock, place, guard, faults } = setUp();
    const policy = createCustomPolicy({
      name: "own",
      score: () => {
        clock.nowMs += 50;
        return 1;
      },
    });
    guard.guard({ policy, busyMs: () => 1 });
    Array.from({ length: 5 }, () => place());
    expect(faults).toEqual([]);
  });

  it("counts a long call once, whatever the policy does not do", () => {
    const { place, guard, faults } = setUp();
    guard.guard({ policy: createCustomPolicy({ name: "own", score: () => 1 }), busyMs: () => 9 });
    place();
    place();
    expect(faults).toEqual([]);
    place();
    expect(faults).toHaveLength(1);
  });

  it("lets the next policy decide after a failed one", () => {
    const { place, put, guard } = setUp();
    put({ score: () => NaN });
    expect(place().policy).toBe("sticky");
    put({ name: "better", score: () => 1 });
    expect(place().policy).toBe("better");
    guard.guard(undefined);
    expect(place().policy).toBe("sticky");
  });
});
