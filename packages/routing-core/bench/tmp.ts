import { createBlockHasher, createPrefixIndex, createSeededRandom } from "@vllm-router/routing-core";
import { measureMicroseconds, printRow } from "./measure.ts";
const random = createSeededRandom(1);
const promptOf = (length: number): Int32Array =>
  Int32Array.from({ length }, () => Math.floor(random() * 150_000));
for (const slotCapacity of [1, 64, 512]) {
  const index = createPrefixIndex({ slotCapacity });
  const hasher = createBlockHasher();
  const matched = new Int32Array(slotCapacity);
  for (const n of [2048, 8192, 131072]) {
    const p = promptOf(n);
    const keys = hasher.hashTokens(p, {});
    index.insert(keys, 0);
    printRow([`match only ${slotCapacity} ${n}`, measureMicroseconds(() => index.match(keys, matched))]);
    printRow([`insert again ${slotCapacity} ${n}`, measureMicroseconds(() => index.insert(keys, 0))]);
  }
}
