import { type ChainState, mixString } from "./block-chain.ts";
import type { KvBlocksStored, KvExtraKey } from "./kv-event.ts";

/**
 * The salt of the prompt whose first block an event begins with. vLLM publishes it bare, after the LoRA name and what
 * stands for media, with that block.
 */
export function saltOf({ cacheSalt, extraKeys, loraName }: KvBlocksStored): KvExtraKey | undefined {
  const keys = extraKeys?.[0] ?? [];
  return cacheSalt ?? keys.find((key, at) => !(at === 0 && key === loraName) && !key.startsWith("\0"));
}

/**
 * Mixes into the chain what else went into the hash of an event's block: prompts without the like never match it, nor
 * what comes after it. LoRA name and salt are in the chain's start already.
 */
export function mixExtraKeys(chain: ChainState, event: KvBlocksStored, at: number): void {
  const keys = event.extraKeys?.[at];
  if (keys == null || keys.length === 0) {
    return;
  }
  const salt = at === 0 && event.parent === undefined ? saltOf(event) : undefined;
  const hasName = event.loraName !== undefined && keys[0] === event.loraName;
  for (const key of keys.slice(hasName ? 1 : 0)) {
    if (key !== salt) {
      mixString(chain, key);
    }
  }
}
