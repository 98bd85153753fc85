import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createDispatcher,
  createLedger,
  createPrefixIndex,
  createSnapshot,
  createWorkerView,
  type Generation,
  type PlaceDecision,
} from "@vllm-router/routing-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SystemTimers } from "../timers.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";

/** Chooses the worker that the routing key names, and scores it by whom it chose before. */
const REMEMBERS = `
let settled = -1;
export const policy = {
  name: "remembers",
  valueCount: 2,
  gather({ input, generation }) {
    for (let c = 0; c < input.candidateCount; c += 1) {
      input.policyValues[2 * c + 1] = input.workers[c] === generation.routingKey ? 1 : 0;
    }
    input.policyValues[0] = settled;
  },
  choose(input, choice) {
    for (let c = 0; c < input.candidateCount; c += 1) {
      if (input.policyValues[2 * c + 1] === 1) choice.candidate = c;
    }
    input.scores[choice.candidate] = 1 + input.policyValues[0];
  },
  settle(_, candidate) { settled = candidate; },
};`;

let directory: string;
let timers: SystemTimers;
const crashes: Error[] = [];
const said: string[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "threaded-policy-"));
  timers = new SystemTimers();
  crashes.length = 0;
  said.length = 0;
});
afterEach(async () => {
  timers[Symbol.dispose]();
  await rm(directory, { recursive: true });
});

async function load(source: string, timeoutMs = 10_000): Promise<ThreadedPolicy> {
  const path = join(directory, "policy.mjs");
  await writeFile(path, source);
  return ThreadedPolicy.load({
    path,
    timeoutMs,
    loadTimeoutMs: 10_000,
    timers,
    said: (text) => said.push(text),
    crashed: (error) => crashes.push(error),
  });
}

function placing(policy: ThreadedPolicy): (workers: readonly string[], wanted: string) => PlaceDecision {
  const index = createPrefixIndex({ slotCapacity: 512, capacityBytes: 1 << 18 });
  const ledger = createLedger({ slotCapacity: 512 });
  const dispatcher = createDispatcher({ policy, ledger, index, clock: () => 0, random: () => 0 });
  let version = 0;
  return (ids, routingKey) => {
    const workers = ids.map((id, slot) => createWorkerView({ slot, id }));
    const snapshot = createSnapshot({ version: (version += 1), publishedAtMs: 0, workers });
    const generation: Generation = {
      requestId: "r",
      model: "",
      promptTokens: 1,
      maxTokens: 1,
      routingKey,
      requiredFields: [],
      excludedWorkers: [],
    };
    const decision = dispatcher.decide(dispatcher.gather(generation, snapshot)) as PlaceDecision;
    dispatcher.settle(decision).release();
    return decision;
  };
}

describe("ThreadedPolicy", { timeout: 60_000 }, () => {
  it("keeps its state, and follows a fleet that grows beyond the room it had and changes its names", async () => {
    await using policy = await load(REMEMBERS);
    const place = placing(policy);
    let settled = -1;
    for (const [round, count] of [2, 50, 65, 300, 3].entries()) {
      const ids = Array.from({ length: count }, (_, slot) => `http://round${round}-w${slot}`);
      for (const wanted of [count - 1, 0, count >> 1]) {
        const decision = place(ids, ids[wanted]!);
        expect([decision.candidate, decision.scores[wanted]]).toEqual([wanted, 1 + settled]);
        settled = wanted;
      }
    }
  });

  it("gives a long or hostile key no more room than there is", async () => {
    await using policy = await load(REMEMBERS);
    const place = placing(policy);
    expect(place(["http://a", "http://b"], `"\u0000\ud800${"\u20ac".repeat(50_000)}`).candidate).toBe(0);
    expect(place(["http://a", "http://b"], "http://b").candidate).toBe(1);
  });

  it("ends the thread of a call that does not come back, and asks it nothing more", async () => {
    const source = `export const policy = { name: "x", choose(input) { while (input.snapshotVersion > 1 || input.sequence > 1); } };`;
    await using policy = await load(source, 100);
    const place = placing(policy);
    place(["http://a", "http://b"], "");
    expect(() => place(["http://a", "http://b"], "")).toThrow(
      expect.objectContaining({ code: "policy_timeout" }),
    );
    expect(() => place(["http://a", "http://b"], "")).toThrow(
      expect.objectContaining({ code: "policy_file" }),
    );
    expect(crashes).toEqual([]);
  });

  it("passes on what the policy writes to its console, although its thread sleeps in between", async () => {
    const source = `console.log("loaded"); export const policy = { name: "x", score: (input, c) => { if (c === 0) console.warn("scoring", input.sequence); return 1; } };`;
    await using policy = await load(source);
    placing(policy)(["http://a", "http://b"], "");
    const deadlineAtMs = Date.now() + 10_000;
    while (said.length < 3 && Date.now() < deadlineAtMs) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
    expect(said).toEqual(["loaded", "scoring 0", "scoring 1"]);
  });

  it("says what its settling threw at the next call", async () => {
    const source = `export const policy = { name: "x", score: () => 1, settle() { throw new Error("unsettled"); } };`;
    await using policy = await load(source);
    const place = placing(policy);
    place(["http://a", "http://b"], "");
    expect(() => place(["http://a", "http://b"], "")).toThrow("unsettled");
    expect(place(["http://a", "http://b"], "").reason).toBe("score");
  });
});
