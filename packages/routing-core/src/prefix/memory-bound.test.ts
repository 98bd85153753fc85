import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { createSeededRandom } from "../random-source.ts";
import { createBlockHasher } from "./block-keys.ts";
import { createEngineCaches } from "./engine-caches.ts";
import { createKvFeed } from "./kv-feed.ts";
import type { KvEvent } from "./kv-event.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const ENGINES = 8;
const BLOCKS = 16;
const INDEX_BYTES = 512 * 1024;
const TOLD_BYTES = 512 * 1024;
const PROMPTS = 15_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes in use once nothing is left that nobody needs. */
function usedBytes(): number {
  // The second time for buffers whose owners went with the first.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it("keeps within its memory through a quarter of a million blocks told, placed, evicted and cleared", () => {
  let nowMs = 0;
  const random = createSeededRandom(7);
  const index = createPrefixIndex({ slotCapacity: ENGINES + 4, capacityBytes: INDEX_BYTES });
  const caches = createEngineCaches({
    index,
    slotCapacity: ENGINES,
    clock: () => nowMs,
    toldBytes: TOLD_BYTES,
    speculatedBlocks: 1_024,
  });
  const feeds = Array.from({ length: ENGINES }, (_, slot) =>
    createKvFeed({ cache: caches.cache(slot), canReplay: true }),
  );
  const sequences = new Int32Array(ENGINES);
  const hasher = createBlockHasher();
  const matched = new Int32Array(ENGINES);
  const tokenIds = new Int32Array(16 * BLOCKS + 1);
  const hashes = new Int32Array(2 * BLOCKS);
  const churn = (prompt: number): void => {
    nowMs += 5;
    const slot = Math.floor(random() * ENGINES);
    for (let at = 0; at < tokenIds.length; at += 1) tokenIds[at] = (prompt * 7_919 + at) | 0;
    for (let at = 0; at < hashes.length; at += 1) hashes[at] = Math.imul(prompt + 1, 0x9e3779b1) ^ at;
    const keys = hasher.hashTokens(tokenIds, {});
    caches.match(keys, matched);
    caches.insert(keys, slot);
    const medium = random() < 0.9 ? "device" : "host";
    const events: KvEvent[] = [
      { kind: "stored", hashes: hashes.slice(), tokenIds: tokenIds.slice(0, 16 * BLOCKS), medium },
    ];
    if (random() < 0.3) events.push({ kind: "removed", hashes: hashes.slice(0, 8), medium });
    if (random() < 0.001) events.push({ kind: "cleared" });
    // Some get lost, and nobody replays them: what waits for a replay is bounded as well.
    if (random() < 0.002) sequences[slot]! += 1;
    const wanted = feeds[slot]!.receive({ sequence: sequences[slot]!, timestamp: nowMs, events });
    sequences[slot]! += 1;
    if (wanted !== undefined && random() < 0.9) feeds[slot]!.replayFailed();
  };
  for (let prompt = 0; prompt < PROMPTS / 10; prompt += 1) churn(prompt);
  const before = usedBytes();
  for (let prompt = PROMPTS / 10; prompt < PROMPTS; prompt += 1) churn(prompt);
  const stats = caches.stats();
  expect(index.sizeBytes).toBeLessThanOrEqual(INDEX_BYTES);
  expect(stats.sizeBytes).toBeLessThanOrEqual(TOLD_BYTES);
  expect(stats.toldBlocks).toBeLessThanOrEqual(stats.toldBlockCapacity);
  expect(index.stats().blocks).toBeLessThanOrEqual(index.stats().blockCapacity);
  // It was full all the time: far more was told than there is room for.
  expect(stats.droppedBlocks).toBeGreaterThan(10 * stats.toldBlockCapacity);
  for (const feed of feeds) feed.replayFailed();
  expect(usedBytes() - before).toBeLessThan(2 * 1024 * 1024);
  for (let slot = 0; slot < ENGINES; slot += 1) caches.reset(slot);
  expect([caches.stats().toldBlocks, index.stats().holdings]).toEqual([0, 0]);
});
