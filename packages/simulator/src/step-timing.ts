import type { Step } from "./scheduler.ts";

/** What a step costs. Times are milliseconds at speed 1. */
export interface StepTiming {
  /** Of any step. Default 8. */
  readonly stepMs: number;
  /** Prompt tokens computed per second beside the base cost. Default 20 000. */
  readonly prefillTokensPerSecond: number;
  /** Of each sequence that decodes in the step. Default 0.05. */
  readonly sequenceMs: number;
  /** Divides every time; 0 runs as fast as the machine can. Default 1. */
  readonly speed: number;
}

/** Milliseconds of wall time that a step takes: (base + prefill + batch) / speed. */
export function stepDurationMs(step: Step, timing: StepTiming): number {
  if (timing.speed === 0) return 0;
  const prefillMs = (step.prefillTokens * 1000) / timing.prefillTokensPerSecond;
  return (timing.stepMs + prefillMs + step.decodeSequences * timing.sequenceMs) / timing.speed;
}
