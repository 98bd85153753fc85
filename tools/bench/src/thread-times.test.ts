import { describe, expect, it } from "vitest";
import type { ProcStat } from "./proc-stat.ts";
import { threadShares, threadTimes } from "./thread-times.ts";

const account = (threads: Readonly<Record<string, ProcStat>>): ReadonlyMap<string, ProcStat> =>
  new Map(Object.entries(threads));

describe("threadShares()", () => {
  it("adds up threads of one name, and counts those that are new from their beginning", () => {
    const before = account({
      1: { name: "first thread", user: 100, kernel: 50 },
      2: { name: "V8Worker", user: 7, kernel: 0 },
    });
    const after = account({
      1: { name: "first thread", user: 150, kernel: 70 },
      2: { name: "V8Worker", user: 17, kernel: 0 },
      3: { name: "V8Worker", user: 20, kernel: 0 },
    });
    expect(threadShares(before, after)).toEqual([
      { name: "first thread", share: 0.5 },
      { name: "V8Worker", share: 0.3 },
      { name: "first thread, kernel", share: 0.2 },
    ]);
  });
});

describe("threadTimes()", () => {
  it.runIf(process.platform === "linux")("knows the threads of this process", () => {
    const times = threadTimes(process.pid);
    const first = times.get(String(process.pid));
    expect(first?.name).toBe("first thread");
    expect(times.size).toBeGreaterThan(1);
    expect([...times.values()].every(({ user, kernel }) => user >= 0 && kernel >= 0)).toBe(true);
  });
});
