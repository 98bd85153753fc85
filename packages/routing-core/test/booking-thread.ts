// A thread of threads.integration.test.ts: books and releases on a shared ledger, matches on a shared index.
import { parentPort, workerData } from "node:worker_threads";
import { createBlockHasher } from "../src/prefix/block-keys.ts";
import { createPrefixIndex } from "../src/prefix/prefix-table.ts";
import { createLedger, type LedgerEntry } from "../src/ledger.ts";
import type { SharedBuffers } from "./threads.integration.test.ts";

const { ledgerBuffer, indexBuffer, slotCapacity, rounds, promptLength } = workerData as SharedBuffers;
const ledger = createLedger({ slotCapacity, buffer: ledgerBuffer });
const index = createPrefixIndex({ slotCapacity, capacityBytes: indexBuffer.byteLength, buffer: indexBuffer });
const hasher = createBlockHasher({ blockTokens: 1 });
const matched = new Int32Array(slotCapacity);
const held: LedgerEntry[] = [];
let mostMatched = 0;
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
}
held.forEach((entry) => entry.release());
parentPort!.postMessage(mostMatched);
