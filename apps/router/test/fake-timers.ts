import type { CancelTimer, Timers } from "../src/fleet/timers.ts";

/** Timers whose time passes only when told. */
export interface FakeTimers extends Timers {
  /** Timers that are running. */
  readonly size: number;
  /** Lets time pass, firing what falls due in order, and whatever promises follow. */
  advance(milliseconds: number): Promise<void>;
}

interface Entry {
  dueAtMs: number;
  readonly intervalMs: number | undefined;
  readonly action: () => void;
}

/** Creates timers at an arbitrary instant. */
export function createFakeTimers(): FakeTimers {
  const epochMs = 1_700_000_000_000;
  const entries = new Set<Entry>();
  let nowMs = 0;
  const add = (delayMs: number, rest: Pick<Entry, "intervalMs" | "action">): CancelTimer => {
    const entry = { dueAtMs: nowMs + delayMs, ...rest };
    entries.add(entry);
    return () => void entries.delete(entry);
  };
  return {
    now: () => epochMs + nowMs,
    steadyMs: () => nowMs,
    after: (delayMs, action) => add(delayMs, { intervalMs: undefined, action }),
    every: (intervalMs, action) => add(intervalMs, { intervalMs, action }),
    get size() {
      return entries.size;
    },
    async advance(milliseconds) {
      const endMs = nowMs + milliseconds;
      await settlePromises();
      for (;;) {
        const due = [...entries]
          .filter((entry) => entry.dueAtMs <= endMs)
          .toSorted((a, b) => a.dueAtMs - b.dueAtMs)[0];
        if (due === undefined) {
          break;
        }
        nowMs = Math.max(nowMs, due.dueAtMs);
        if (due.intervalMs === undefined) {
          entries.delete(due);
        } else {
          due.dueAtMs += due.intervalMs;
        }
        due.action();
        await settlePromises();
      }
      nowMs = endMs;
    },
  };
}

/** Lets everything run that waits for promises only. */
async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
