import type { EngineCaches } from "@vllm-router/routing-core";
import type { Worker } from "./worker.ts";

/** Blocks of the prefix index that a worker's events say it holds, on all its ranks. */
export function toldBlocks(caches: EngineCaches, worker: Worker): number {
  let blocks = 0;
  for (let rank = 0; rank < worker.ranks; rank += 1) {
    blocks += caches.cache(worker.slot + rank).toldBlocks;
  }
  return blocks;
}
