import { monitorEventLoopDelay, type ELDHistogram } from "node:perf_hooks";
import { loopUtilization } from "./loop-utilization.ts";

/** Does something again and again, until the process or its owner ends. */
export interface Ticking {
  every(intervalMs: number, action: () => void): unknown;
}

/** How far apart instants of the event loop were that should be 10 ms apart, seconds. */
export interface LoopDelays {
  /** Instants. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** As prom-client has it by default. */
const RESOLUTION_MS = 10;
/** How often it is asked whether there is anything to measure. */
const LOOK_MS = 1_000;
/** Part of a core that a loop takes which has nothing to do but this measuring, and some more. */
const IDLE_UTILIZATION = 0.02;
const SECONDS = RESOLUTION_MS / 1_000;
/** What a loop without work would have been found to be. */
const IN_TIME: LoopDelays = {
  count: 0,
  min: SECONDS,
  max: SECONDS,
  mean: SECONDS,
  stddev: 0,
  p50: SECONDS,
  p90: SECONDS,
  p99: SECONDS,
};

/**
 * Measures how late the event loop is, and only while it has work: to wake up a hundred times a second and find that one is in
 * time was most of what an idle router cost.
 */
export class LoopDelayMonitor {
  readonly #histogram: ELDHistogram;
  readonly #utilization: () => number;
  /** Measured before the last pause, and not taken yet. */
  #before = IN_TIME;

  /** @param parts other than Node's, for tests */
  constructor(
    timers: Ticking,
    parts: { readonly histogram?: ELDHistogram; readonly utilization?: () => number } = {},
  ) {
    this.#histogram = parts.histogram ?? monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#utilization = parts.utilization ?? loopUtilization();
    this.#histogram.enable();
    timers.every(LOOK_MS, () => this.#look());
  }

  /** What was measured since the last call. */
  take(): LoopDelays {
    const delays = this.#measured();
    this.#before = IN_TIME;
    return delays;
  }

  #look(): void {
    if (this.#utilization() > IDLE_UTILIZATION) {
      this.#histogram.enable();
    } else if (this.#histogram.disable()) {
      // Emptied, or the pause itself would count as a delay.
      this.#before = this.#measured();
    }
  }

  /** Everything that was not taken yet; the histogram is empty afterwards. */
  #measured(): LoopDelays {
    const { count, min, max, mean, stddev } = this.#histogram;
    if (count === 0) {
      return this.#before;
    }
    const percentile = (percent: number): number => this.#histogram.percentile(percent) / 1e9;
    const running = {
      count,
      min: min / 1e9,
      max: max / 1e9,
      mean: mean / 1e9,
      stddev: stddev / 1e9,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
    };
    this.#histogram.reset();
    return joinedDelays(this.#before, running);
  }
}

/** Two measurements as one; of percentiles the larger, which is no less than the true one. */
export function joinedDelays(left: LoopDelays, right: LoopDelays): LoopDelays {
  const count = left.count + right.count;
  if (left.count === 0 || right.count === 0) {
    return left.count === 0 ? right : left;
  }
  const mean = (left.mean * left.count + right.mean * right.count) / count;
  const squares = [left, right].reduce(
    (sum, part) => sum + part.count * (part.stddev ** 2 + (part.mean - mean) ** 2),
    0,
  );
  return {
    count,
    min: Math.min(left.min, right.min),
    max: Math.max(left.max, right.max),
    mean,
    stddev: Math.sqrt(squares / count),
    p50: Math.max(left.p50, right.p50),
    p90: Math.max(left.p90, right.p90),
    p99: Math.max(left.p99, right.p99),
  };
}
