import {
  createBlockHasher,
  createEngineCaches,
  createLedger,
  createPrefixIndex,
  type Generation,
} from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { HitObserver } from "./hit-observer.ts";

function generationOf(identity: number): Generation {
  return {
    requestId: `${identity}`,
    model: "m",
    tokenIds: Int32Array.from({ length: 65 }, (_, position) => identity * 1_000 + position),
    promptTokens: 65,
    maxTokens: 1,
    requiredFields: [],
    excludedWorkers: [],
  };
}

function setUp() {
  const ledger = createLedger({ slotCapacity: 1 });
  const caches = createEngineCaches({
    index: createPrefixIndex({ slotCapacity: 1, capacityBytes: 1 << 16 }),
    slotCapacity: 1,
    clock: () => 0,
  });
  const hasher = createBlockHasher();
  const hits = new HitObserver({ ledger, caches, hasher });
  const matched = new Int32Array(1);
  const match = (generation: Generation): number =>
    16 * caches.match(hasher.hashTokens(generation.tokenIds!, {}), matched);
  /** What the placer does with a decision. */
  const place = (generation: Generation, cachedTokens: number): void => {
    const claimedTokens = match(generation);
    const isFirm = hits.isFirm(0);
    const entry = ledger.acquire(0, { promptTokens: 65, prefillTokens: 65 - claimedTokens });
    caches.insert(hasher.hashTokens(generation.tokenIds!, {}), 0);
    const hit = hits.settled({ slot: 0, generation, claimedTokens, isFirm });
    entry.firstOutput();
    hit.found(cachedTokens);
    hit.found(0);
    entry.release();
  };
  return { ledger, hits, match, place };
}

describe("HitObserver", () => {
  it("has the index forget an engine that finds nothing three times", () => {
    const { match, place } = setUp();
    [1, 2, 3, 4].forEach((identity) => place(generationOf(identity), 0));
    expect(match(generationOf(4))).toBe(64);
    [1, 2, 3].forEach((identity) => place(generationOf(identity), 0));
    expect([1, 2, 3, 4].map((identity) => match(generationOf(identity)))).toEqual([0, 0, 64, 0]);
  });

  it("learns nothing from engines that find what was claimed", () => {
    const { match, place } = setUp();
    [1, 2, 3].forEach((identity) => place(generationOf(identity), 0));
    [1, 2, 3, 1, 2, 3].forEach((identity) => place(generationOf(identity), 64));
    expect([1, 2, 3].map((identity) => match(generationOf(identity)))).toEqual([64, 64, 64]);
  });

  it("does not hold against an engine what it is still computing", () => {
    const { ledger, hits, match, place } = setUp();
    [1, 2, 3, 4].forEach((identity) => place(generationOf(identity), 0));
    ledger.acquire(0, { promptTokens: 100, prefillTokens: 100 });
    expect(hits.isFirm(0)).toBe(false);
    [1, 2, 3].forEach((identity) => place(generationOf(identity), 0));
    expect(match(generationOf(4))).toBe(64);
  });
});
