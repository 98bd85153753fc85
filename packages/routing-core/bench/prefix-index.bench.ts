// Hash, match and insert, by prompt length and number of workers: node --conditions=@vllm-router/source bench/prefix-index.bench.ts
import {
  type BlockKeys,
  createBlockHasher,
  createPrefixIndex,
  createSeededRandom,
} from "@vllm-router/routing-core";
import { measureMicroseconds, printRow } from "./measure.ts";

const random = createSeededRandom(1);
const promptOf = (length: number): Int32Array =>
  Int32Array.from({ length }, () => Math.floor(random() * 150_000));
const hasher = createBlockHasher();
const root = {};

printRow(["microseconds", "2k tokens", "8k tokens", "128k tokens"]);
const prompts = [2048, 8192, 131_072].map(promptOf);
printRow(["hash", ...prompts.map((prompt) => measureMicroseconds(() => hasher.hashTokens(prompt, root)))]);
const text = "The quick brown fox jumps over the lazy dog. ".repeat(12_000);
printRow([
  "hash as text, 4 characters a token",
  ...prompts.map((prompt) => {
    const part = text.slice(0, prompt.length * 4);
    return measureMicroseconds(() => hasher.hashText(part, root));
  }),
]);

for (const workers of [1, 64, 512]) {
  const index = createPrefixIndex({ slotCapacity: workers, capacityBytes: 256 * 1024 * 1024 });
  // A table in use: four million tokens of other prompts, spread over the workers.
  for (let other = 0; other < 512; other += 1) {
    index.insert(hasher.hashTokens(promptOf(8192), root), other % workers);
  }
  const matched = new Int32Array(workers);
  const rows: [string, (slot: number, keys: BlockKeys, count: number) => boolean][] = [
    ["nobody holds it", () => false],
    ["one holds all", (slot) => slot === 0],
    ["four hold all", (slot) => slot < 4],
    ["all hold the first eighth, one all", (slot, keys, count) => (keys.count === count ? slot === 0 : true)],
    ["all hold all", () => true],
  ];
  for (const [name, holds] of rows) {
    const figures = prompts.map((prompt) => {
      const fresh = prompt.map((token) => token ^ (name.length << 18));
      for (const length of [fresh.length >> 3, fresh.length]) {
        for (let slot = 0; slot < workers; slot += 1) {
          const keys = hasher.hashTokens(fresh.subarray(0, length), root);
          if (holds(slot, keys, fresh.length >> 4)) index.insert(keys, slot);
        }
      }
      return measureMicroseconds(() => index.match(hasher.hashTokens(fresh, root), matched));
    });
    printRow([`hash + match, ${workers} workers, ${name}`, ...figures]);
  }
  printRow([
    `hash + insert again, ${workers} workers`,
    ...prompts.map((prompt) => measureMicroseconds(() => index.insert(hasher.hashTokens(prompt, root), 0))),
  ]);
  let token = 0;
  printRow([
    `hash + insert new, ${workers} workers`,
    ...prompts.map((prompt) => {
      const changing = Int32Array.from(prompt);
      return measureMicroseconds(() => {
        token += 1;
        changing[0] = token;
        index.insert(hasher.hashTokens(changing, root), 0);
      });
    }),
  ]);
}

const index = createPrefixIndex({ slotCapacity: 64 });
const stats = index.stats();
printRow([
  "64 MiB index: blocks of 16 tokens",
  String(stats.blockCapacity),
  `${stats.sharedBlockCapacity} shared`,
]);
printRow(["clear one of 64 slots", measureMicroseconds(() => index.clear(3))]);
