// Blocks a second that engines' events bring in, and what a match costs beside them:
// node --conditions=@vllm-router/source bench/kv-events.bench.ts
import {
  createBlockHasher,
  createEngineCaches,
  createKvFeed,
  createPrefixIndex,
  createSeededRandom,
  type KvBlocksStored,
} from "@vllm-router/routing-core";
import { measureMicroseconds, printRow } from "./measure.ts";

const BLOCKS_PER_PROMPT = 128;
/** More than the bound holds, so that the table evicts and records give way. */
const SOAK_BLOCKS = 2_500_000;

const random = createSeededRandom(1);
const hasher = createBlockHasher();
printRow(["", "1 engine", "64 engines", "512 engines"]);
const rows: Record<string, number[]> = {};
const note = (name: string, value: number): void => void (rows[name] ??= []).push(value);

for (const engines of [1, 64, 512]) {
  const index = createPrefixIndex({ slotCapacity: engines });
  const caches = createEngineCaches({ index, slotCapacity: engines, clock: () => performance.now() });
  const feeds = Array.from({ length: engines }, (_, slot) =>
    createKvFeed({ cache: caches.cache(slot), canReplay: false }),
  );
  const sequences = new Int32Array(engines);
  const tokenIds = Int32Array.from({ length: 16 * BLOCKS_PER_PROMPT }, () => Math.floor(random() * 150_000));
  const hashes = new Int32Array(2 * BLOCKS_PER_PROMPT);
  const publish = (prompt: number, event: "stored" | "removed"): void => {
    const slot = prompt % engines;
    tokenIds[0] = prompt;
    for (let block = 0; block < BLOCKS_PER_PROMPT; block += 1) {
      hashes[2 * block] = Math.imul(prompt, 0x9e3779b1) ^ block;
      hashes[2 * block + 1] = prompt;
    }
    const shared = { hashes, medium: "device" } as const;
    const stored: KvBlocksStored = { kind: "stored", tokenIds, ...shared };
    feeds[slot]!.receive({
      sequence: sequences[slot]!,
      timestamp: sequences[slot]!,
      events: [event === "stored" ? stored : { kind: "removed", ...shared }],
    });
    sequences[slot]! += 1;
  };
  let prompt = 0;
  // Processor time: the machine does other things as well.
  const start = process.cpuUsage().user;
  for (; prompt * BLOCKS_PER_PROMPT < SOAK_BLOCKS; prompt += 1) {
    publish(prompt, "stored");
    // Engines evict, too: half of what was stored a while ago.
    if (prompt % 2 === 0 && prompt > 4_000) publish(prompt - 4_000, "removed");
  }
  note(
    "stored, thousand blocks a second",
    (prompt * BLOCKS_PER_PROMPT * 1000) / (process.cpuUsage().user - start),
  );
  const { sizeBytes, toldBlocks, droppedBlocks } = caches.stats();
  note("MiB of index and records", (index.sizeBytes + sizeBytes) / 2 ** 20);
  note("records in use, thousands", toldBlocks / 1000);
  note("records that gave way, thousands", droppedBlocks / 1000);
  const matched = new Int32Array(engines);
  for (const length of [8_192, 131_072]) {
    const long = Int32Array.from({ length }, () => Math.floor(random() * 150_000));
    const longHashes = Int32Array.from({ length: length / 8 }, (_, word) => word ^ length);
    createKvFeed({ cache: caches.cache(0), canReplay: false }).receive({
      sequence: 0,
      timestamp: 0,
      events: [{ kind: "stored", tokenIds: long, hashes: longHashes, medium: "device" }],
    });
    note(`tokens of ${length} matched`, 16 * caches.match(hasher.hashTokens(long, {}), matched));
    note(
      `µs to hash and match ${length} tokens that one engine told`,
      measureMicroseconds(() => caches.match(hasher.hashTokens(long, {}), matched)),
    );
  }
}
for (const [name, figures] of Object.entries(rows)) {
  printRow([name, ...figures]);
}
