import { EngineLoad, SchedulerLoad } from "@vllm-router/proto/messages";
import type { Engine } from "./engine.ts";
import type { EngineRank } from "./engine-rank.ts";

/** What GetLoads tells of one rank. */
export function schedulerLoad(engine: Engine, rank: EngineRank): SchedulerLoad {
  const { limits } = engine.options;
  const maxTotalNumTokens = limits.kvBlocks * limits.blockSize;
  const { kvUsage, runningCount, waitingCount } = rank;
  const hitRate = rank.loads.cacheHitRate();
  return SchedulerLoad.fromPartial({
    dpRank: rank.rank,
    numRunningReqs: runningCount,
    numWaitingReqs: waitingCount,
    numTotalReqs: runningCount + waitingCount,
    numUsedTokens: Math.round(kvUsage * maxTotalNumTokens),
    maxTotalNumTokens,
    tokenUsage: kvUsage,
    utilization: kvUsage,
    genThroughput: rank.loads.genThroughput(),
    cacheHitRate: hitRate,
    maxRunningRequests: limits.maxNumSeqs,
    numWaitingUncachedTokens: Math.round(rank.waitingTokens * (1 - hitRate)),
  });
}

/** The same figures as the record that KV-event streams carry. */
export function engineLoad(load: SchedulerLoad): EngineLoad {
  return EngineLoad.fromPartial({
    runningRequests: load.numRunningReqs,
    waitingRequests: load.numWaitingReqs,
    waitingUncachedTokens: load.numWaitingUncachedTokens,
    tokenUsage: load.tokenUsage,
    genThroughput: load.genThroughput,
    maxRunningRequests: load.maxRunningRequests,
    cacheHitRate: load.cacheHitRate,
    numUsedTokens: load.numUsedTokens,
    maxTotalNumTokens: load.maxTotalNumTokens,
  });
}

/** A record without the telemetry that only a stream's first record and heartbeats carry. */
export function coreOnly(load: EngineLoad): EngineLoad {
  return { ...load, cacheHitRate: undefined, numUsedTokens: undefined, maxTotalNumTokens: undefined };
}

/** Whether a load moved enough to be sent: any count, KV usage by half a percent, the rate by 5 % or 50 tokens/s. */
export function loadChanged(last: EngineLoad, current: EngineLoad): boolean {
  if (
    last.runningRequests !== current.runningRequests ||
    last.waitingRequests !== current.waitingRequests ||
    last.waitingUncachedTokens !== current.waitingUncachedTokens ||
    last.maxRunningRequests !== current.maxRunningRequests ||
    Math.abs(last.tokenUsage - current.tokenUsage) > 0.005
  ) {
    return true;
  }
  const delta = Math.abs(last.genThroughput - current.genThroughput);
  return delta > 50 || delta > 0.05 * Math.max(last.genThroughput, current.genThroughput);
}
