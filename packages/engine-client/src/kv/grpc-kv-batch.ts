import type {
  KvBlockExtraKey,
  KvBlocksStored,
  KvCacheEvent,
  KvEventBatch,
} from "@vllm-router/proto/messages";
import { KvCacheLocality, KvCacheTier } from "@vllm-router/proto/messages";
import { type KvBatch, type KvChange, type KvMedium, mediumOf } from "./kv-batch.ts";

/** A batch of `SubscribeKvEvents` in the form that all sources share; undefined for one that only tells the load. */
export function kvBatchFromGrpc(batch: KvEventBatch): KvBatch | undefined {
  if (batch.load?.loadOnly === true) {
    return undefined;
  }
  const events: KvChange[] = [];
  for (const event of batch.events) {
    const change = changeFrom(event.data);
    if (change !== undefined) events.push(change);
  }
  return { sequence: Number(batch.sequenceNumber), timestamp: batch.timestamp, events };
}

function changeFrom(data: KvCacheEvent["data"]): KvChange | undefined {
  switch (data?.$case) {
    case "stored":
      return storedFrom(data.value);
    case "removed": {
      const { blockHashes, groupIdx } = data.value;
      return {
        kind: "removed",
        hashes: hashesFrom(blockHashes),
        medium: mediumFrom(data.value),
        group: groupIdx,
      };
    }
    case "cleared":
      return { kind: "cleared" };
    case undefined:
      return undefined;
  }
}

function storedFrom(stored: KvBlocksStored): KvChange {
  const { blocks, parentBlockHash } = stored;
  const tokens = blocks.reduce((sum, block) => sum + block.tokenIds.length, 0);
  const tokenIds = new Int32Array(tokens);
  let at = 0;
  for (const block of blocks) {
    tokenIds.set(block.tokenIds, at);
    at += block.tokenIds.length;
  }
  const hasExtraKeys = blocks.some((block) => block.extraKeys.length > 0);
  return {
    kind: "stored",
    hashes: hashesFrom(blocks.map((block) => block.blockHash)),
    parent: parentBlockHash === undefined ? undefined : hashesFrom([parentBlockHash]),
    tokenIds,
    medium: mediumFrom(stored),
    loraName: stored.loraName === "" ? undefined : stored.loraName,
    cacheSalt: stored.cacheSalt === "" ? undefined : stored.cacheSalt,
    extraKeys: hasExtraKeys ? blocks.map((block) => extraKeysFrom(block.extraKeys)) : undefined,
    group: stored.groupIdx,
    groupKind: stored.kvCacheSpecKind === "" ? undefined : stored.kvCacheSpecKind,
  };
}

const hashBits = new BigInt64Array(1);
const hashWords = new Int32Array(hashBits.buffer);

function hashesFrom(hashes: readonly bigint[]): Int32Array {
  const words = new Int32Array(2 * hashes.length);
  for (const [index, hash] of hashes.entries()) {
    hashBits[0] = hash;
    words[2 * index] = hashWords[0]!;
    words[2 * index + 1] = hashWords[1]!;
  }
  return words;
}

function mediumFrom(where: {
  readonly tier?: KvCacheTier | undefined;
  readonly medium?: string | undefined;
  readonly locality?: KvCacheLocality | undefined;
}): KvMedium {
  if (where.locality === KvCacheLocality.KV_CACHE_LOCALITY_REMOTE) {
    return "storage";
  }
  switch (where.tier) {
    case KvCacheTier.KV_CACHE_TIER_DEVICE:
      return "device";
    case KvCacheTier.KV_CACHE_TIER_HOST:
      return "host";
    case KvCacheTier.KV_CACHE_TIER_DISK:
    case KvCacheTier.KV_CACHE_TIER_EXTERNAL:
      return "storage";
    default:
      return mediumOf(where.medium);
  }
}

function extraKeysFrom(keys: readonly KvBlockExtraKey[]): readonly string[] | null {
  return keys.length === 0 ? null : keys.map(extraKeyFrom);
}

/** The same texts as from ZMQ: what is neither a name nor a salt begins with a NUL. */
function extraKeyFrom({ key }: KvBlockExtraKey): string {
  switch (key?.$case) {
    case "text":
      return key.value;
    case "blob":
      return `\0${Buffer.from(key.value).toString("hex")}`;
    case "number":
      return `\0${key.value}`;
    case "multimodal":
      return `\0${key.value.identifier}\0\0${key.value.offset}`;
    case undefined:
      return "\0";
  }
}
