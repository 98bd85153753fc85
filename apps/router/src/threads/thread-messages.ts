import type { EngineDescription } from "@vllm-router/engine-client";
import type { RouterConfig } from "@vllm-router/config";
import type { BreakerState, EngineAdapters, WorkerRole, WorkerSlot } from "@vllm-router/routing-core";
import type { ExplainedDecision } from "../decisions/explained-decision.ts";
import type { EngineIdentity } from "../disaggregation/connector.ts";
import type { Lane } from "../fleet/lane.ts";
import type { ServedCard, WorkerFacts } from "../fleet/worker-connector.ts";
import type { ModelFiles } from "../models/model-files.ts";
import type { PrintedMetric } from "../observability/metric-cells.ts";
import type { WorkerState } from "../observability/router-observer.ts";
import type { PackedNews, PackedResponse } from "../responses/packed-response.ts";
import type { FollowId } from "./response-messages.ts";
import type { PlacementId, ShadowRecord } from "./shadow-messages.ts";
import type { SharedMemory } from "./shared-memory.ts";
import type { PolicyNews } from "./thread-policies.ts";

/** What a request thread is started with. */
export interface ThreadStart {
  readonly config: RouterConfig;
  /** Its number, from 0. */
  readonly thread: number;
  readonly memory: SharedMemory;
  /** Instant of the fleet's steady clock minus the one of the machine's: `hrtime`, milliseconds. */
  readonly steadyMinusHrtimeMs: number;
  /** The least level of log lines that are wanted. */
  readonly logLevel: string;
}

/** Names the life of one engine process behind a worker's URL, for as long as the program runs. */
export type LifeId = number;

/** A worker as the fleet's thread last published it. */
export interface PublishedWorker {
  readonly url: string;
  readonly state: WorkerState;
  readonly detail: string;
  readonly role: WorkerRole;
  /** The engine behind it; undefined until one answered. */
  readonly engine: PublishedEngine | undefined;
}

/** The engine behind a worker's URL. */
export interface PublishedEngine {
  readonly life: LifeId;
  readonly lane: Lane;
  readonly slot: WorkerSlot;
  readonly ranks: number;
  readonly modelNames: readonly string[];
  readonly cards: readonly ServedCard[] | undefined;
}

/** An engine that threads are to connect to, and its model. */
export interface Adoption {
  readonly life: LifeId;
  readonly description: EngineDescription;
  readonly facts: Omit<WorkerFacts, "files">;
  /** Names the files: those of many engines are the same. */
  readonly filesKey: number;
  /** The files themselves where the thread does not have them yet. */
  readonly files: ModelFiles | undefined;
}

/** What a thread asks the fleet's thread, which alone sees everything. */
export type Question =
  | { readonly about: "metrics" }
  | { readonly about: "keep-response"; readonly packed: PackedResponse }
  | { readonly about: "response"; readonly id: string; readonly follows: boolean }
  | { readonly about: "cancel-response"; readonly id: string }
  | { readonly about: "decisions"; readonly limit: number }
  | { readonly about: "decision"; readonly id: string };

/** A prefill engine told in an answer what its connector is known by; undefined when that is void. */
export interface IdentityLearned {
  readonly kind: "identity";
  readonly life: LifeId;
  readonly identity: EngineIdentity | undefined;
}

/** Said to a request thread. */
export type ToThread =
  | { readonly kind: "listen"; readonly port: number | undefined }
  | { readonly kind: "adopt"; readonly adoption: Adoption }
  | { readonly kind: "leave-model"; readonly life: LifeId; readonly forget: boolean }
  | { readonly kind: "ended"; readonly life: LifeId }
  | {
      readonly kind: "fleet";
      readonly version: number;
      readonly publishedAtMs: number;
      readonly workers: readonly PublishedWorker[];
    }
  | { readonly kind: "breaker-failed"; readonly slot: WorkerSlot }
  | { readonly kind: "breaker-forget"; readonly slot: WorkerSlot }
  | {
      readonly kind: "adapters";
      readonly slot: WorkerSlot;
      readonly adapters: EngineAdapters | undefined;
    }
  | IdentityLearned
  | { readonly kind: "places-freed" }
  | { readonly kind: "echo"; readonly question: number }
  | { readonly kind: "cancel-response"; readonly id: string }
  | { readonly kind: "response-news"; readonly follow: FollowId; readonly news: PackedNews }
  | { readonly kind: "policy-give-up"; readonly hash: string }
  | { readonly kind: "shadow-taken"; readonly placements: number; readonly bytes: number }
  | { readonly kind: "tell-metrics"; readonly question: number }
  | { readonly kind: "answer"; readonly question: number; readonly answer: unknown }
  | { readonly kind: "drain"; readonly timeoutMs: number }
  | { readonly kind: "close" };

/** What went wrong in a thread, without its stack. */
export interface ThreadProblem {
  readonly code: string;
  readonly message: string;
}

/** Said by a request thread. */
export type FromThread =
  | { readonly kind: "up" }
  | { readonly kind: "listening"; readonly port: number; readonly url: string }
  | { readonly kind: "failed"; readonly problem: ThreadProblem }
  | { readonly kind: "adopted"; readonly life: LifeId; readonly problem: ThreadProblem | undefined }
  | { readonly kind: "seen"; readonly version: number }
  | { readonly kind: "wake" }
  | { readonly kind: "suspect"; readonly id: string }
  | { readonly kind: "breaker-failed"; readonly slot: WorkerSlot }
  | { readonly kind: "breaker-changed"; readonly slot: WorkerSlot; readonly to: BreakerState }
  | IdentityLearned
  | { readonly kind: "places-freed" }
  | { readonly kind: "metrics"; readonly question: number; readonly families: readonly PrintedMetric[] }
  | { readonly kind: "ask"; readonly question: number; readonly about: Question }
  | {
      readonly kind: "explained";
      readonly decision: ExplainedDecision;
      readonly isSampled: boolean;
      /** Whose shadow decisions belong to it. */
      readonly placement: PlacementId | undefined;
    }
  | { readonly kind: "echo"; readonly question: number }
  | { readonly kind: "response-changed"; readonly id: string; readonly news: PackedNews }
  | { readonly kind: "unfollow-response"; readonly follow: FollowId }
  | { readonly kind: "policy"; readonly news: PolicyNews }
  | { readonly kind: "shadow"; readonly records: readonly ShadowRecord[]; readonly dropped: number }
  | { readonly kind: "log"; readonly lines: string }
  | { readonly kind: "drained" }
  | { readonly kind: "closed" };
