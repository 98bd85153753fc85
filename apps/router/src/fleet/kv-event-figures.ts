import type { EngineCaches } from "@vllm-router/routing-core";
import type { KvEventFigures } from "../observability/kv-event-metrics.ts";
import type { Worker } from "./worker.ts";

/** What a worker's events have told, on all its ranks. `nowMs` is of the caches' clock. */
export function kvEventFigures(caches: EngineCaches, worker: Worker, nowMs: number): KvEventFigures {
  let [blocks, batches, gaps, replays, restarts, cleared, lost] = [0, 0, 0, 0, 0, 0, 0];
  let lastEventAtMs = -Infinity;
  for (let rank = 0; rank < worker.ranks; rank += 1) {
    const cache = caches.cache(worker.slot + rank);
    blocks += cache.toldBlocks;
    batches += cache.feed?.batches ?? 0;
    gaps += cache.feed?.gaps ?? 0;
    replays += cache.feed?.repairs ?? 0;
    restarts += cache.feed?.restarts ?? 0;
    cleared += cache.counts.cleared;
    lost += cache.counts.orphans + cache.counts.misfits;
    lastEventAtMs = Math.max(lastEventAtMs, cache.lastEventAtMs);
  }
  return {
    worker: worker.id,
    blocks,
    batches,
    gaps,
    replays,
    restarts,
    cleared,
    lost,
    ageSeconds: Number.isFinite(lastEventAtMs) ? (nowMs - lastEventAtMs) / 1000 : undefined,
  };
}
