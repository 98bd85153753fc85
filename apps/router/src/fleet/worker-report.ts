import { type BreakerState, type WorkerRole } from "@vllm-router/routing-core";
import type { WorkerState } from "../observability/router-observer.ts";
import { type Lane } from "./lane.ts";

/** One registered URL as the admin interface shows it. */
export interface WorkerReport {
  readonly id: string;
  readonly state: WorkerState;
  readonly detail: string;
  readonly modelNames: readonly string[];
  /** Undefined until an engine answered. */
  readonly lane: Lane | undefined;
  readonly inFlight: number;
  readonly breaker: BreakerState;
  readonly role: WorkerRole;
}
