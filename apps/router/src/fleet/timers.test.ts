import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SystemTimers } from "./timers.ts";

describe("SystemTimers", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("calls once after the delay, and not when cancelled", () => {
    using timers = new SystemTimers();
    const calls: string[] = [];
    timers.after(10, () => calls.push("kept"));
    const cancel = timers.after(10, () => calls.push("cancelled"));
    cancel();
    cancel();
    vi.advanceTimersByTime(9);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(calls).toEqual(["kept"]);
    expect(timers.size).toBe(0);
  });

  it("calls again and again until cancelled", () => {
    using timers = new SystemTimers();
    let calls = 0;
    const cancel = timers.every(10, () => {
      calls += 1;
    });
    vi.advanceTimersByTime(35);
    cancel();
    vi.advanceTimersByTime(100);
    expect(calls).toBe(3);
    expect(timers.size).toBe(0);
  });

  it("ends everything when disposed of, and starts nothing any more", () => {
    const timers = new SystemTimers();
    let calls = 0;
    const count = (): void => {
      calls += 1;
    };
    timers.after(10, count);
    timers.every(10, count);
    timers[Symbol.dispose]();
    timers.after(10, count);
    timers.every(10, count);
    vi.advanceTimersByTime(100);
    expect(calls).toBe(0);
    expect(timers.size).toBe(0);
  });

  it("does not fire at once for delays beyond what Node's timers can hold", () => {
    using timers = new SystemTimers();
    let calls = 0;
    timers.after(2 ** 40, () => {
      calls += 1;
    });
    vi.advanceTimersByTime(60_000);
    expect(calls).toBe(0);
  });
});
