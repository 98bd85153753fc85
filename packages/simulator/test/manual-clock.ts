import type { Clock, Timer } from "@vllm-router/simulator";

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time and runs what is due, in order of time. */
  advance(durationMs: number): void;
  readonly pendingTimers: number;
}

/** A clock at 0. */
export function createManualClock(): ManualClock {
  let nowMs = 0;
  let timers: { atMs: number; task: () => void }[] = [];
  return {
    monotonicMs: () => nowMs,
    epochMs: () => 1_700_000_000_000 + nowMs,
    get pendingTimers() {
      return timers.length;
    },
    after(delayMs, task): Timer {
      const timer = { atMs: nowMs + delayMs, task };
      timers.push(timer);
      return { cancel: () => (timers = timers.filter((other) => other !== timer)) };
    },
    advance(durationMs) {
      const untilMs = nowMs + durationMs;
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        nowMs = Math.max(nowMs, due.atMs);
        due.task();
      }
      nowMs = untilMs;
    },
  };
}
