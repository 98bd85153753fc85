import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gatheredLines, type GatheredLines } from "./gathered-lines.ts";

/** A destination whose writes end when the test says so. */
function destination(): {
  readonly lines: GatheredLines;
  readonly written: string[];
  readonly endWrite: () => void;
  readonly flushes: () => number;
} {
  const written: string[] = [];
  let held: string[] = [];
  let isWriting = false;
  let flushes = 0;
  let drained = (): void => undefined;
  const lines = gatheredLines(
    {
      write: (line) => held.push(line),
      flush: () => {
        flushes += 1;
        if (!isWriting) {
          isWriting = true;
          written.push(held.join(""));
          held = [];
        }
      },
      flushSync: () => undefined,
      on: (_event, listener) => {
        drained = listener;
      },
    },
    100,
  );
  const endWrite = (): void => {
    isWriting = false;
    drained();
  };
  return { lines, written, endWrite, flushes: () => flushes };
}

describe("gatheredLines()", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("writes lines that come together as one, no later than the time it was given", () => {
    const { lines, written } = destination();
    lines.write("a\n");
    vi.advanceTimersByTime(60);
    lines.write("b\n");
    expect(written).toEqual([]);
    vi.advanceTimersByTime(40);
    expect(written).toEqual(["a\nb\n"]);
  });

  it("leaves nothing that came while another write was under way", () => {
    const { lines, written, endWrite } = destination();
    lines.write("a\n");
    vi.advanceTimersByTime(100);
    lines.write("b\n");
    vi.advanceTimersByTime(500);
    expect(written).toEqual(["a\n"]);
    endWrite();
    vi.advanceTimersByTime(100);
    expect(written).toEqual(["a\n", "b\n"]);
  });

  it("does nothing while nobody says anything", () => {
    const { lines, endWrite, flushes } = destination();
    lines.write("a\n");
    for (let turn = 0; turn < 3; turn += 1) {
      vi.advanceTimersByTime(100);
      endWrite();
    }
    const before = flushes();
    vi.advanceTimersByTime(60_000);
    expect(flushes()).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });
});
