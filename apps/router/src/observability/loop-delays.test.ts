import { monitorEventLoopDelay, type ELDHistogram } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { joinedDelays, LoopDelayMonitor, type LoopDelays } from "./loop-delays.ts";

/** A monitor whose looks are made by hand, of a loop that is as busy as is said. */
function monitored(): {
  readonly monitor: LoopDelayMonitor;
  readonly histogram: ELDHistogram;
  readonly look: (utilization: number) => void;
} {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  let look = (): void => undefined;
  let utilization = 0;
  const every = (_intervalMs: number, action: () => void): (() => void) => {
    look = action;
    return () => undefined;
  };
  const monitor = new LoopDelayMonitor({ every }, { histogram, utilization: () => utilization });
  return {
    monitor,
    histogram,
    look: (found) => {
      utilization = found;
      look();
    },
  };
}

/** Resolves when the histogram has counted something. */
async function counted(histogram: ELDHistogram): Promise<void> {
  while (histogram.count === 0) {
    await setTimeout(5);
  }
}

describe("LoopDelayMonitor", () => {
  it("tells of a loop that was held up", async () => {
    const { monitor, histogram } = monitored();
    await counted(histogram);
    const untilMs = performance.now() + 100;
    while (performance.now() < untilMs);
    await setTimeout(20);
    const delays = monitor.take();
    expect(delays.max).toBeGreaterThan(0.09);
    expect(delays.min).toBeLessThanOrEqual(delays.p50);
  });

  it("measures nothing while there is no work, and tells then of a loop that is in time", async () => {
    const { monitor, histogram, look } = monitored();
    await counted(histogram);
    look(0.001);
    expect(monitor.take().count).toBeGreaterThan(0);
    await setTimeout(50);
    look(0.001);
    const idle = monitor.take();
    expect(idle).toMatchObject({
      count: 0,
      min: 0.01,
      max: 0.01,
      mean: 0.01,
      stddev: 0,
      p50: 0.01,
      p99: 0.01,
    });
  });

  it("measures again when there is work, and does not take the pause for a delay", async () => {
    const { monitor, histogram, look } = monitored();
    await counted(histogram);
    look(0.001);
    // Emptied: else its next value would be the time since the last one.
    expect(histogram.count).toBe(0);
    look(0.5);
    await counted(histogram);
    const before = histogram.count;
    expect(monitor.take().count).toBeGreaterThan(before);
  });
});

describe("joinedDelays()", () => {
  const some: LoopDelays = { count: 1, min: 1, max: 1, mean: 1, stddev: 0, p50: 1, p90: 1, p99: 1 };
  const others: LoopDelays = { count: 3, min: 2, max: 4, mean: 3, stddev: 0.5, p50: 3, p90: 4, p99: 4 };
  const none: LoopDelays = { ...some, count: 0, min: 9 };

  it("is as if both had been measured at once", () => {
    const joined = joinedDelays(some, others);
    expect(joined).toMatchObject({ count: 4, min: 1, max: 4, mean: 2.5, p50: 3, p90: 4, p99: 4 });
    // Mean of the squares minus the square of the mean: (1 + 3 · 9.25) / 4 - 6.25
    expect(joined.stddev).toBeCloseTo(Math.sqrt(0.9375), 12);
  });

  it("leaves out what measured nothing", () => {
    expect(joinedDelays(none, others)).toBe(others);
    expect(joinedDelays(others, none)).toBe(others);
    expect(joinedDelays(none, none).count).toBe(0);
  });
});
