import { setTimeout as pause } from "node:timers/promises";
import type { Candidate } from "./candidates.ts";
import { startCandidate } from "./running-candidate.ts";

const IDLE_WORKERS = 100;
const SETTLE_MS = 3000;
const IDLE_SECONDS = 10;

/** What a router costs that has nothing to do. */
export interface IdleCost {
  readonly candidate: string;
  /** Part of a core, with 100 workers. */
  readonly core: number;
  /** From its start to the first good answer, with 100 workers, milliseconds. */
  readonly readyMs: number;
  readonly megabytes: number;
}

/** Lets a candidate stand idle in front of 100 workers. @throws Error when it does not start */
export async function measureIdle(candidate: Candidate): Promise<IdleCost> {
  const running = await startCandidate(candidate, IDLE_WORKERS);
  try {
    await pause(SETTLE_MS);
    const before = running.process.cpuSeconds();
    await pause(IDLE_SECONDS * 1000);
    return {
      candidate: candidate.name,
      core: (running.process.cpuSeconds() - before) / IDLE_SECONDS,
      readyMs: running.readyMs,
      megabytes: running.process.residentMegabytes(),
    };
  } finally {
    await running.process.stop();
  }
}
