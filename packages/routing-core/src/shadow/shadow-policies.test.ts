import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import { createSeededRandom } from "../random-source.ts";
import { createBreakerBoard } from "../resilience/breaker-board.ts";
import { BREAKER_DEFAULTS } from "../resilience/circuit-breaker.ts";
import { createSnapshot } from "../snapshot.ts";
import { createShadowPolicies, type ShadowDecision, type ShadowSettlement } from "./shadow-policies.ts";

/** What shadows told the breakers since the last set-up. */
let told = 0;

function setUp(names: readonly string[], acting = "round_robin") {
  const workers = plainWorkers(4);
  const fleet = createTestFleet({ policy: acting, workers });
  const breakers = createBreakerBoard({
    parameters: { ...BREAKER_DEFAULTS, failureThreshold: 1 },
    clock: () => 0,
  });
  told = 0;
  const shadows = createShadowPolicies({
    policies: names.map((name) => createPolicy(name)),
    slotCapacity: 128,
    clock: () => 0,
    random: createSeededRandom(1),
    breakers: {
      ...breakers,
      started: (slot) => {
        told += 1;
        return breakers.started(slot);
      },
    },
    indexBytes: 1 << 18,
  });
  const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
  const place = (identity: number): ShadowSettlement => {
    const { decision, settlement } = fleet.place(testGeneration(identity));
    const shadow = shadows.observe(testGeneration(identity), snapshot, decision);
    settlement.release();
    return shadow;
  };
  return { fleet, shadows, breakers, place };
}

const hits = (decisions: readonly ShadowDecision[], policy: string): number =>
  decisions
    .filter((decision) => decision.policy === policy)
    .reduce((sum, decision) => sum + decision.matchedTokens, 0);

describe("createShadowPolicies()", () => {
  it("predicts the hits that each policy would have had on its own placements", () => {
    const { place } = setUp(["cache_aware", "random", "round_robin"]);
    const decisions: ShadowDecision[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      for (let chat = 0; chat < 5; chat += 1) {
        const shadow = place(chat);
        decisions.push(...shadow.decisions);
        shadow.release();
      }
    }
    expect(hits(decisions, "cache_aware")).toBe(7 * 5 * 64);
    expect(hits(decisions, "random")).toBeLessThan(7 * 5 * 64);
    // Five chats on four workers in turn: each comes back to a worker after four of its turns.
    expect(hits(decisions, "round_robin")).toBe(4 * 5 * 64);
    expect(decisions.filter(({ policy }) => policy === "round_robin").every(({ agrees }) => agrees)).toBe(
      true,
    );
    expect(decisions.filter(({ policy }) => policy === "cache_aware").every(({ agrees }) => agrees)).toBe(
      false,
    );
  });

  it("sees its own virtual load, released with the real one", () => {
    const { place } = setUp(["least_load"]);
    const held = [1, 2, 3, 4].map(place);
    expect(new Set(held.map(({ decisions }) => decisions[0]!.worker)).size).toBe(4);
    const [first] = held;
    first!.firstOutput();
    first!.addOutput(5);
    first!.release();
    first!.release();
    expect(place(5).decisions[0]!.worker).toBe(first!.decisions[0]!.worker);
  });

  it("goes by the real breakers and tells them nothing", () => {
    const { place, breakers } = setUp(["cache_aware"]);
    const loved = place(1).decisions[0]!;
    breakers.ended(
      Number(loved.worker!.slice(-1)),
      breakers.started(Number(loved.worker!.slice(-1))),
      "failure",
    );
    expect(place(1).decisions[0]!.worker).not.toBe(loved.worker);
    place(2).release();
    expect(told).toBe(0);
  });

  it("forgets the virtual cache of a slot whose engine is another one", () => {
    const { place, shadows } = setUp(["cache_aware"]);
    place(1).release();
    [0, 1, 2, 3].forEach((slot) => shadows.clear(slot));
    expect(place(1).decisions[0]!.matchedTokens).toBe(0);
  });

  it("does not touch the acting policy's ledger", () => {
    const { fleet, place } = setUp(["power_of_two"]);
    place(1);
    expect(fleet.ledger.totalRequests()).toBe(0);
  });

  it("decides on a leg among the workers of that leg, with what it remembers of that leg alone", () => {
    const roles = ["prefill", "decode", "decode", "prefill"] as const;
    const workers = testWorkers(roles.map((role) => ({ role })));
    const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
    const named = () => [createPolicy("round_robin")];
    const shadows = createShadowPolicies({
      policies: [],
      legs: { prefill: named(), decode: named() },
      slotCapacity: 8,
      clock: () => 0,
      random: createSeededRandom(1),
      indexBytes: 1 << 18,
    });
    const slots = { prefill: [0, 3], decode: [1, 2] };
    const chosen = (role: "prefill" | "decode", slot: number) =>
      shadows.observe(testGeneration(1), snapshot, { legs: [{ slot }], role }).decisions;
    const turns = Array.from({ length: 4 }, (_, turn) => [
      ...chosen("prefill", slots.prefill[turn % 2]!),
      ...chosen("decode", slots.decode[turn % 2]!),
    ]);
    expect(turns.map((decisions) => decisions.map(({ worker }) => worker))).toEqual([
      ["http://w0", "http://w1"],
      ["http://w3", "http://w2"],
      ["http://w0", "http://w1"],
      ["http://w3", "http://w2"],
    ]);
    expect(turns.flat().every(({ agrees }) => agrees)).toBe(true);
    expect(turns.at(-1)).toMatchObject([{ matchedTokens: 64 }, { matchedTokens: 64 }]);
    slots.prefill.forEach((slot) => shadows.clear(slot));
    expect([chosen("prefill", 0), chosen("decode", 1)]).toMatchObject([
      [{ matchedTokens: 0 }],
      [{ matchedTokens: 64 }],
    ]);
  });

  it("has no prompt to compute where it is handed over", () => {
    const workers = plainWorkers(2);
    const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
    const shadows = createShadowPolicies({
      policies: [createPolicy("least_load")],
      slotCapacity: 4,
      clock: () => 0,
      random: () => 0,
      indexBytes: 1 << 18,
    });
    const long = testGeneration(1, { promptTokens: 100_000 });
    const chosen = (computesPrompt: boolean) =>
      shadows.observe(long, snapshot, { legs: [{ slot: 0 }], computesPrompt }).decisions[0]?.worker;
    expect([chosen(true), chosen(false), chosen(false)]).toEqual(["http://w0", "http://w1", "http://w1"]);
  });
});
