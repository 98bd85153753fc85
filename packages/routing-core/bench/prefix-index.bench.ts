// Hash, match and insert by prompt length and number of workers. Run in this package's folder:
// node --conditions=@vllm-router/source bench/prefix-index.bench.ts
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
for (const sentence of ["The quick brown fox jumps over the lazy dog. ", "Zwölf Boxkämpfer jagen Viktor. "]) {
  const text = JSON.parse(JSON.stringify(sentence.repeat(20_000))) as string;
  const figures = prompts.map((prompt) => {
    const part = text.slice(0, prompt.length * 4);
    return measureMicroseconds(() => hasher.hashText(part, root));
  });
  printRow([`hash as text, four characters a token: ${sentence.slice(0, 12)}…`, ...figures]);
}

/** Which slots hold the prompt: all of it (`whole`), or its first eighth. */
const SHARING: readonly (readonly [string, (slot: number, isWhole: boolean) => boolean])[] = [
  ["nobody holds it", () => false],
  ["one holds it", (slot) => slot === 0],
  ["four hold it", (slot) => slot < 4],
  ["one holds it, all hold its first eighth", (slot, isWhole) => !isWhole || slot === 0],
  ["all hold it", () => true],
];

for (const workers of [1, 64, 512]) {
  const index = createPrefixIndex({ slotCapacity: workers, capacityBytes: 64 * 1024 * 1024 });
  // A table in steady state: full of other prompts, sixteen million tokens and more.
  for (let other = 0; other < 4096; other += 1) {
    index.insert(hasher.hashTokens(promptOf(8192), root), other % workers);
  }
  const matched = new Int32Array(workers);
  for (const [variant, [name, holds]] of SHARING.entries()) {
    const figures = prompts.map((prompt) => {
      const fresh = prompt.map((token) => token ^ ((variant + 1) << 18));
      for (const length of [fresh.length >> 3, fresh.length]) {
        const keys: BlockKeys = hasher.hashTokens(fresh.subarray(0, length), root);
        for (let slot = 0; slot < workers; slot += 1) {
          if (holds(slot, length === fresh.length)) index.insert(keys, slot);
        }
      }
      return measureMicroseconds(() => index.match(hasher.hashTokens(fresh, root), matched));
    });
    printRow([`${workers} workers, hash + match, ${name}`, ...figures]);
  }
  const again = prompts.map((prompt) =>
    measureMicroseconds(() => index.insert(hasher.hashTokens(prompt, root), 0)),
  );
  printRow([`${workers} workers, hash + insert of what is there`, ...again]);
  let token = 0;
  const anew = prompts.map((prompt) => {
    const changing = Int32Array.from(prompt);
    return measureMicroseconds(() => {
      token += 1;
      changing[0] = token;
      index.insert(hasher.hashTokens(changing, root), 0);
    });
  });
  printRow([`${workers} workers, hash + insert of what is new, table full`, ...anew]);
  const { blocks, blockCapacity, sharedBlocks, sharedBlockCapacity } = index.stats();
  printRow([`${workers} workers, 64 MiB: blocks (shared) held`, `${blocks}`, `(${sharedBlocks})`]);
  printRow([
    `${workers} workers, 64 MiB: blocks (shared) at most`,
    `${blockCapacity}`,
    `(${sharedBlockCapacity})`,
  ]);
  printRow([`${workers} workers, clear one`, measureMicroseconds(() => index.clear(0))]);
}
