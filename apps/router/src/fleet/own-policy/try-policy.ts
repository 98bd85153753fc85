import {
  createSnapshot,
  createWorkerView,
  restoreInput,
  type Choice,
  type Policy,
  type RecordedCandidate,
} from "@vllm-router/routing-core";

const CANDIDATES = 3;

/**
 * Lets a policy make one decision about a made-up fleet, so that what is wrong with it shows before it has traffic.
 * @throws what it throws
 */
export function tryPolicy(policy: Policy): void {
  const { valueCount = 1, drawCount } = policy;
  const candidates = Array.from({ length: CANDIDATES }, (_, slot): RecordedCandidate => ({
    worker: `http://example-${slot}:8000`,
    slot,
    rank: 0,
    matchedTokens: slot * 16,
    inFlightRequests: slot,
    prefillTokens: 64 * slot,
    decodeTokens: 0,
    runningRequests: slot === 0 ? null : slot,
    waitingRequests: slot === 0 ? null : 0,
    kvCacheUsage: slot === 0 ? null : 0.1,
    loadAgeMs: slot === 0 ? null : 50,
    foreignRequests: 0,
    loraAffinity: null,
    weight: 1,
    cost: 1,
    policyValues: Array.from({ length: valueCount }, () => 0),
  }));
  const input = restoreInput({
    policy: policy.name,
    policyParameters: {},
    atMs: 0,
    snapshotVersion: 1,
    snapshotAgeMs: 0,
    closestVerdict: "eligible",
    promptTokens: 64,
    maxTokens: 16,
    valueCount,
    draws: Array.from({ length: drawCount }, () => 0.5),
    candidates,
  });
  const generation = {
    requestId: "trial",
    model: "example",
    promptTokens: 64,
    maxTokens: 16,
    requiredFields: [],
    excludedWorkers: [],
  };
  const snapshot = createSnapshot({
    version: 1,
    publishedAtMs: 0,
    workers: candidates.map(({ worker: id, slot }) => createWorkerView({ id, slot })),
  });
  policy.gather?.({ input, generation, snapshot });
  const choice: Choice = { candidate: 0, runnerUp: -1, tied: 1, reason: "score" };
  policy.choose(input, choice);
}
