export type { Clock } from "./clock.ts";
export { createSeededRandom, type RandomSource } from "./random-source.ts";
export { ROUTING_ERROR_CODES, RoutingError, type RoutingErrorCode } from "./routing-error.ts";

export type { Generation, RecurringTokens } from "./generation.ts";
export {
  ROUTING_KEY_HEADERS,
  routingKeyByRules,
  routingKeyOf,
  type RoutingKeyRules,
  type RoutingKeySource,
} from "./routing-key.ts";
export {
  type BreakerState,
  createSnapshot,
  createWorkerView,
  type Snapshot,
  type WorkerDescription,
  type WorkerRole,
  type WorkerSlot,
  type WorkerView,
} from "./snapshot.ts";
export {
  createEngineLoadTable,
  type EngineAdapters,
  type EngineLoad,
  type EngineLoadColumns,
  type EngineLoadReader,
  type EngineLoadTable,
  type EngineLoadTableOptions,
  engineLoadTableSizeBytes,
} from "./engine-load.ts";
export { createWorkerSlots, type WorkerSlots, type WorkerSlotsOptions } from "./worker-slots.ts";

export {
  createLedger,
  type Ledger,
  ledgerBufferSizeBytes,
  type LedgerBooking,
  type LedgerColumns,
  type LedgerEntry,
  type LedgerOptions,
} from "./ledger.ts";
export {
  type BlockHasher,
  type BlockHasherOptions,
  type BlockKeys,
  createBlockHasher,
  DEFAULT_BLOCK_BYTES,
  DEFAULT_BLOCK_TOKENS,
} from "./prefix/block-keys.ts";
export type { PrefixRoot } from "./prefix/prefix-root.ts";
export type {
  PrefixIndex,
  PrefixIndexOptions,
  PrefixIndexStats,
  PrefixReader,
  PrefixWriter,
} from "./prefix/prefix-index.ts";
export { createPrefixIndex } from "./prefix/prefix-table.ts";
export { prefixIndexSizeBytes } from "./prefix/prefix-table-layout.ts";
export type { EngineCache, EngineCacheCounts } from "./prefix/engine-cache.ts";
export {
  createEngineCaches,
  type EngineCaches,
  type EngineCachesOptions,
  type EngineCachesStats,
  type PlacementCaches,
} from "./prefix/engine-caches.ts";
export { cacheTraitsSizeBytes, type MediumWeights } from "./prefix/cache-matcher.ts";
export { createRemoteCaches, PlacementReceiver, type RemoteCachesOptions } from "./threads/placement-ring.ts";
export {
  attachRing,
  type Ring,
  ringBufferSizeBytes,
  type RingReader,
  type RingWriter,
} from "./threads/spsc-ring.ts";
export type { ObservedHit } from "./prefix/hit-feedback.ts";
export type {
  EngineHashes,
  KvBlocksRemoved,
  KvBlocksStored,
  KvCacheCleared,
  KvEvent,
  KvEventBatch,
  KvExtraKey,
  KvMedium,
} from "./prefix/kv-event.ts";
export type { KvFeedCounts } from "./prefix/kv-feed-counts.ts";
export { createKvFeed, type KvFeed, type KvFeedOptions, type KvReplayRequest } from "./prefix/kv-feed.ts";

export {
  type Decision,
  type DecisionLeg,
  type LegRole,
  NONE_REASONS,
  type NoneDecision,
  type NoneReason,
  PLACE_REASONS,
  type PlaceDecision,
  type PlaceReason,
  type WaitDecision,
} from "./decision/decision.ts";
export { type Verdict, VERDICTS } from "./decision/candidate-filter.ts";
export {
  type DecisionRecord,
  type RecordedCandidate,
  type RecordedDecision,
  type RecordedExclusion,
  type RecordedInput,
  type RecordedScorePart,
  replayDecision,
  restoreInput,
} from "./decision/decision-record.ts";
export { compactSummary, type DecisionSummary, summarizeDecision } from "./decision/decision-summary.ts";
export type { DecisionInput } from "./decision/decision-input.ts";
export { decide } from "./decision/decide.ts";
export {
  decidePair,
  type PairDeciders,
  type PairDecision,
  type PairRequest,
  type PairRules,
  type PrefillSkip,
} from "./decision/pair-decision.ts";
export {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
  type PlacementRecorder,
} from "./decision/dispatcher.ts";
export type { Settlement } from "./decision/settlement.ts";

export type { Choice, Policy, PolicyContext, PolicySource, ScorePart } from "./policy/policy.ts";
export {
  createCustomPolicy,
  type CustomContext,
  type CustomGeneration,
  type CustomPolicy,
  defineCustomPolicy,
} from "./policy/custom-policy.ts";
export {
  createPolicyGuard,
  type GuardedPolicy,
  type GuardFault,
  type PolicyGuard,
  type PolicyGuardOptions,
} from "./policy/guarded-policy.ts";
export {
  definePolicy,
  type PolicyDefinition,
  type PolicyParameter,
  type SharedPolicyState,
} from "./policy/policy-definition.ts";
export {
  createPolicy,
  DEFAULT_POLICY,
  isPolicyName,
  POLICIES,
  POLICY_NAMES,
  policySharedBytes,
  type PolicyName,
} from "./policy/policy-registry.ts";

export {
  createShadowPolicies,
  type ActualPlace,
  type ShadowDecision,
  type ShadowPolicies,
  type ShadowPoliciesOptions,
  type ShadowSettlement,
} from "./shadow/shadow-policies.ts";

export {
  type Admission,
  ADMISSION_DEFAULTS,
  type AdmissionAnswer,
  type AdmissionOptions,
  type AdmissionState,
  type AdmissionTicket,
  createAdmission,
  type QueuePlaces,
} from "./resilience/admission.ts";
export {
  type AdmissionGate,
  type AdmissionGateOptions,
  createAdmissionGate,
} from "./resilience/admission-gate.ts";
export { createTokenBucket, type TokenBucket, type TokenBucketOptions } from "./resilience/token-bucket.ts";
export {
  type BreakerBoard,
  type BreakerBoardOptions,
  type BreakerGuard,
  createBreakerBoard,
} from "./resilience/breaker-board.ts";
export {
  type AttemptOutcome,
  BREAKER_DEFAULTS,
  type BreakerChange,
  type BreakerParameters,
  type BreakerPeriod,
  type CircuitBreaker,
  createCircuitBreaker,
} from "./resilience/circuit-breaker.ts";
export {
  createRetryBudget,
  RETRY_BUDGET_DEFAULTS,
  type RetryBudget,
  type RetryBudgetOptions,
} from "./resilience/retry-budget.ts";
export {
  createRetrySchedule,
  RETRY_DEFAULTS,
  RETRYABLE_STATUSES,
  type RetryParameters,
  type RetrySchedule,
  type RetryVerdict,
} from "./resilience/retry-schedule.ts";
