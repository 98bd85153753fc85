// How near the table's eviction is to exact least-recently-used under memory pressure, by seed and shared prefix:
// node --conditions=@vllm-router/source bench/eviction.bench.ts
import { createBlockHasher, createPrefixIndex, createSeededRandom } from "@vllm-router/routing-core";
import { printRow } from "./measure.ts";

const STEPS = 6_000;
const WARM_UP_STEPS = 3_000;
const CONVERSATIONS = 1_500;

printRow(["share of blocks found, growing conversations", "table", "exact LRU", "no bound"]);
for (const [seed, shared] of [
  [1, 0],
  [2, 100],
  [3, 37],
] as const) {
  const random = createSeededRandom(seed);
  const hasher = createBlockHasher({ blockTokens: 1 });
  const index = createPrefixIndex({ slotCapacity: 1, capacityBytes: 2 * 1024 * 1024 });
  const { blockCapacity } = index.stats();
  const exact = new Set<number>();
  const unbounded = new Set<number>();
  const lengths = Array.from({ length: CONVERSATIONS }, () => 20 + Math.floor(random() * 80));
  const matched = new Int32Array(1);
  const found = { table: 0, exact: 0, unbounded: 0, all: 0 };
  for (let step = 0; step < STEPS; step += 1) {
    const conversation = Math.floor(CONVERSATIONS * random() ** 2.5);
    const last = lengths[conversation]!;
    const length = last > 300 ? 20 : last + Math.floor(random() * 16);
    lengths[conversation] = length;
    const tokens = Int32Array.from({ length: shared + length }, (_, position) =>
      position < shared ? position : conversation * 1000 + position,
    );
    const { words, count } = hasher.hashTokens(tokens, {});
    const names = Array.from(
      { length: count },
      (_, block) => (words[2 * block]! >>> 0) * 2 ** 21 + (words[2 * block + 1]! >>> 11),
    );
    if (step >= WARM_UP_STEPS) {
      found.table += index.match(hasher.hashTokens(tokens, {}), matched);
      found.exact += leading(names, exact);
      found.unbounded += leading(names, unbounded);
      found.all += count;
    }
    index.insert(hasher.hashTokens(tokens, {}), 0);
    // An engine gives the end of a prompt up first.
    for (const name of names.toReversed()) {
      exact.delete(name);
      exact.add(name);
      unbounded.add(name);
    }
    for (const oldest of exact) {
      if (exact.size <= blockCapacity) break;
      exact.delete(oldest);
    }
  }
  const share = (blocks: number): number => blocks / found.all;
  printRow([
    `${shared} shared tokens, ${blockCapacity} blocks`,
    share(found.table),
    share(found.exact),
    share(found.unbounded),
  ]);
}

function leading(names: readonly number[], held: ReadonlySet<number>): number {
  const gap = names.findIndex((name) => !held.has(name));
  return gap < 0 ? names.length : gap;
}
