// A thread of threads.integration.test.ts: books and releases on a shared ledger, matches on a shared index, sends records
// through a ring of its own.
import { parentPort, workerData } from "node:worker_threads";
import { createBlockHasher } from "../src/prefix/block-keys.ts";
import { createPrefixIndex } from "../src/prefix/prefix-table.ts";
import { createLedger, type LedgerEntry } from "../src/ledger.ts";
import { attachRing } from "../src/threads/spsc-ring.ts";
import type { Found, SharedBuffers } from "./threads.integration.test.ts";

const { ledgerBuffer, indexBuffer, ringBuffer, thread, threads, slotCapacity, rounds, promptLength } =
  workerData as SharedBuffers;
const ledger = createLedger({ slotCapacity, buffer: ledgerBuffer, threads, thread });
const ring = attachRing(ringBuffer);
const index = createPrefixIndex({ slotCapacity, capacityBytes: indexBuffer.byteLength, buffer: indexBuffer });
const hasher = createBlockHasher({ blockTokens: 1 });
const matched = new Int32Array(slotCapacity);
const held: LedgerEntry[] = [];
let mostMatched = 0;
let wrong = 0;
let sent = 0;
for (let round = 0; round < rounds; round += 1) {
  const entry = ledger.acquire(round % slotCapacity, { promptTokens: 7, prefillTokens: 3 });
  if (round % 2 === 0) entry.firstOutput();
  held.push(entry);
  if (held.length > 50) held.shift()!.release();
  for (let extra = 0; extra < 10; extra += 1) {
    ledger.acquire(0, { promptTokens: 1, prefillTokens: 1 }).release();
  }
  const prompt = Int32Array.from({ length: promptLength }, (_, position) =>
    position < 4 ? position : round % 97,
  );
  mostMatched = Math.max(mostMatched, index.match(hasher.hashTokens(prompt, {}), matched));
  // All prompts begin alike; what follows only one slot ever holds.
  const owner = (round % 97) % slotCapacity;
  wrong += matched.some((blocks, slot) => slot !== owner && blocks > 4) ? 1 : 0;
  if (ring.begin(2 + (round % 5))) {
    ring.put(sent);
    ring.putAll(Int32Array.of(1, 2, 3, 4, 5), 1 + (round % 5));
    ring.end();
    sent += 1;
  }
}
held.forEach((entry) => entry.release());
const { unsettledMatches: unsettled } = index.stats();
parentPort!.postMessage({ mostMatched, wrong, unsettled, sent } satisfies Found);
