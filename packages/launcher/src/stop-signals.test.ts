import { describe, expect, it } from "vitest";

import { onStopSignal } from "./stop-signals.ts";

describe("onStopSignal()", () => {
  it("counts signals, taking the echo of one for the same", () => {
    const seen: string[] = [];
    let nowMs = 0;
    const before = process.listenerCount("SIGHUP");
    {
      using _signals = onStopSignal(
        (signal, count) => seen.push(`${signal} ${count}`),
        () => nowMs,
      );
      process.emit("SIGHUP", "SIGHUP");
      nowMs = 5;
      process.emit("SIGHUP", "SIGHUP");
      nowMs = 1_000;
      process.emit("SIGHUP", "SIGHUP");
      nowMs = 1_001;
      process.emit("SIGTERM", "SIGTERM");
    }
    expect(seen).toEqual(["SIGHUP 1", "SIGHUP 2", "SIGTERM 3"]);
    expect(process.listenerCount("SIGHUP")).toBe(before);
  });
});
