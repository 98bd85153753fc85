import type { Generation } from "../generation.ts";
import { hashIntegers, hashString } from "./key-hash.ts";

const KEY_SEED = 0x6b657973;
const HIGH_SEED = 0x73657373;
const LOW_BITS = 2 ** 21;

/** 32-bit hash of what ties a generation to a worker: its routing key, else its whole prompt. */
export function affinityHash({ routingKey, tokenIds, text, requestId }: Generation): number {
  if (routingKey !== undefined && routingKey !== "") {
    return hashString(routingKey, KEY_SEED);
  }
  if (tokenIds !== undefined && tokenIds.length > 0) {
    return hashIntegers(tokenIds, KEY_SEED);
  }
  if (text === undefined || text.length === 0) {
    return hashString(requestId, KEY_SEED);
  }
  return typeof text === "string" ? hashString(text, KEY_SEED) : hashIntegers(text, KEY_SEED);
}

/**
 * A generation's routing key as a 53-bit number, so that a table of sessions holds no keys and a client cannot fill it
 * with long ones; undefined without a key.
 */
export function sessionKey({ routingKey }: Generation): number | undefined {
  return routingKey === undefined || routingKey === ""
    ? undefined
    : hashString(routingKey, HIGH_SEED) * LOW_BITS + (hashString(routingKey, KEY_SEED) % LOW_BITS);
}
