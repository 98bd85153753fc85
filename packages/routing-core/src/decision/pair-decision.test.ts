import { describe, expect, it } from "vitest";
import { createTestFleet, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";
import { createLedger } from "../ledger.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import { createSnapshot, type WorkerRole } from "../snapshot.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import { decidePair, type PairDecision } from "./pair-decision.ts";
import { replayDecision } from "./decision-record.ts";

const RULES = { minPromptTokens: 0, maxLocalPrefillTokens: 16 };

function setUp(roles: readonly WorkerRole[]) {
  const ledger = createLedger({ slotCapacity: 8 });
  const index = createPrefixIndex({ slotCapacity: 8, capacityBytes: 1 << 18 });
  const dispatcherOf = (role: "prefill" | "decode"): Dispatcher =>
    createDispatcher({
      policy: createPolicy("round_robin"),
      role,
      tracksPrefix: true,
      ledger,
      index,
      recorder: index,
      clock: () => 0,
      random: () => 0,
    });
  const dispatchers = { prefill: dispatcherOf("prefill"), decode: dispatcherOf("decode") };
  const workers = testWorkers(roles.map((role) => ({ role })));
  const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
  const decide = (rules = RULES, isDivisible = true): PairDecision => {
    const decode = testGeneration(1);
    return decidePair(dispatchers, {
      decode,
      prefill: isDivisible ? decode : undefined,
      snapshot,
      rules,
    });
  };
  return { ledger, dispatchers, decide };
}

function placed(decision: PairDecision): PairDecision & { readonly kind: "place" } {
  if (decision.kind !== "place") {
    throw new Error("nothing was chosen");
  }
  return decision;
}

describe("a decision of two legs", () => {
  it("takes a worker of each role, prefill first", () => {
    const { legs } = placed(setUp(["prefill", "decode"]).decide());
    expect(legs.map(({ role, worker }) => `${role} ${worker}`)).toEqual([
      "prefill http://w0",
      "decode http://w1",
    ]);
  });

  it("keeps the load of the two apart: who is handed a prompt has nothing to compute", () => {
    const { ledger, dispatchers, decide } = setUp(["prefill", "decode"]);
    const { prefill, decode } = placed(decide());
    const settlement = dispatchers.decode.settle(decode, { computesPrompt: false });
    const before = dispatchers.prefill.settle(prefill!);
    expect([ledger.prefillTokens(0), ledger.prefillTokens(1)]).toEqual([64, 0]);
    before.release();
    settlement.firstOutput();
    expect([ledger.requests(0), ledger.requests(1), ledger.decodeTokens(1)]).toEqual([0, 1, 64]);
    settlement.release();
    expect(ledger.totalRequests()).toBe(0);
  });

  it("has no prefill leg where the decode worker holds the prompt", () => {
    const { dispatchers, decide } = setUp(["prefill", "decode"]);
    dispatchers.decode.settle(placed(decide()).decode).release();
    expect(placed(decide())).toMatchObject({ skipped: "cached", prefill: undefined });
  });

  it("says why it has no prefill leg", () => {
    expect(placed(setUp(["decode"]).decide()).skipped).toBe("no_prefill_worker");
    expect(placed(setUp(["prefill", "decode"]).decide(RULES, false)).skipped).toBe("undivided");
    const short = setUp(["prefill", "decode"]).decide({ ...RULES, minPromptTokens: 65 });
    expect(placed(short).skipped).toBe("short");
  });

  it("is none without a decode worker, although there are others", () => {
    expect(setUp(["prefill"]).decide()).toMatchObject({
      kind: "not-placed",
      decision: { kind: "none", reason: "no_workers" },
    });
  });

  it("is replayed leg by leg from what was written down", () => {
    const { dispatchers, decide } = setUp(["prefill", "decode"]);
    const { prefill } = placed(decide());
    const record = dispatchers.prefill.explain(prefill!);
    expect(replayDecision(record)).toEqual(record.decision);
  });
});

it("a worker of one leg serves no whole generation", () => {
  const fleet = createTestFleet({ policy: "round_robin", workers: testWorkers([{ role: "decode" }]) });
  expect(fleet.ask(testGeneration(1)).kind).toBe("none");
});
