// What a block of a KV event costs the thread that decodes it, and the one that takes it in:
// node --conditions=@vllm-router/source bench/kv-decode.bench.ts
import { decodeKvPayload } from "../src/kv/decode-kv-batch.ts";
import { packKvBatch, unpackKvBatch } from "../src/kv/pack-kv-batch.ts";

const BLOCKS = 128;
const BLOCK_TOKENS = 16;
const ROUNDS = 4_000;

/** A batch of one event that stores so many blocks, as vLLM writes it. */
function payload(): Buffer {
  const parts: Buffer[] = [];
  const put = (...bytes: number[]): void => void parts.push(Buffer.from(bytes));
  const text = (value: string): void => {
    put(0xa0 + value.length);
    parts.push(Buffer.from(value));
  };
  const array = (length: number): void => put(0xdd, length >>> 24, length >>> 16, length >>> 8, length);
  const number = (value: number): void => put(0xce, value >>> 24, value >>> 16, value >>> 8, value);
  put(0x93, 0xcb, 0x41, 0xd9, 0, 0, 0, 0, 0, 0, 0x91, 0x84);
  text("type");
  text("BlockStored");
  text("block_hashes");
  array(BLOCKS);
  for (let block = 0; block < BLOCKS; block += 1) {
    put(0xcf, 1, 2, 3, 4, 5, 6, block >>> 8, block);
  }
  text("token_ids");
  array(BLOCKS * BLOCK_TOKENS);
  for (let token = 0; token < BLOCKS * BLOCK_TOKENS; token += 1) number((token * 7_919) % 150_000);
  text("block_size");
  put(BLOCK_TOKENS, 0xc0);
  return Buffer.concat(parts);
}

const bytes = payload();
const decoded = { sequence: 1, ...decodeKvPayload(bytes) };
const packed = packKvBatch(decoded);

measure("decode", () => decodeKvPayload(bytes).events.length);
measure("pack", () => packKvBatch(decoded).words.length);
measure("unpack", () => unpackKvBatch(packed).events.length);

function measure(name: string, action: () => number): void {
  let best = Infinity;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const startedAt = process.cpuUsage().user;
    for (let round = 0; round < ROUNDS; round += 1) action();
    best = Math.min(best, process.cpuUsage().user - startedAt);
  }
  process.stdout.write(`${name}: ${((1000 * best) / (ROUNDS * BLOCKS)).toFixed(1)} ns a block\n`);
}
