import type { Worker } from "./worker.ts";
import type { WorkerReport } from "./worker-report.ts";
import type { PlacerFleet } from "./fleet-placer.ts";

/** The fleet as request handling sees it, in the thread that runs it and in every other one. */
export interface FleetView extends PlacerFleet {
  /** Engines that have answered. */
  workers(): readonly Worker[];
  /** Every registered URL and how it stands. */
  reports(): readonly WorkerReport[];
  /** Workers that take requests. */
  readyCount(): number;
  /** A worker is ready, and where generations are divided one for each leg. */
  isReady(): boolean;
}
