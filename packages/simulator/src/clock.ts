/** A started timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Time as the simulator sees it; tests inject their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  /** Milliseconds since the epoch. */
  epochMs(): number;
  /** Runs `task` once, `delayMs` from now; with 0, after pending input and output. */
  after(delayMs: number, task: () => void): Timer;
}

/** The machine's clock. Below half a millisecond it uses `setImmediate`: timers cannot express less. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, task) {
    if (delayMs < 0.5) {
      const immediate = setImmediate(task);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timeout = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
