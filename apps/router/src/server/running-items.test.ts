import { describe, expect, it } from "vitest";
import { RunningItems } from "./running-items.ts";

describe("RunningItems", () => {
  it("holds what was added and not removed", () => {
    const items = new RunningItems<string>();
    const entries = ["a", "b", "c", "d"].map((item) => items.add(item));
    items.remove(entries[1]!);
    items.remove(entries[3]!);
    expect([...items].toSorted()).toEqual(["a", "c"]);
    expect(items.size).toBe(2);
  });

  it("ignores a second removal", () => {
    const items = new RunningItems<string>();
    const first = items.add("first");
    items.add("second");
    items.remove(first);
    items.remove(first);
    expect([...items]).toEqual(["second"]);
  });

  it("leaves out what is removed while it is walked", () => {
    const items = new RunningItems<number>();
    const entries = [1, 2, 3].map((item) => items.add(item));
    const seen: number[] = [];
    for (const item of items) {
      seen.push(item);
      items.remove(entries[1]!);
    }
    expect(seen).toEqual([1, 3]);
  });

  it("is empty after clear, and removal of what it held changes nothing", () => {
    const items = new RunningItems<number>();
    const entry = items.add(1);
    items.clear();
    items.add(2);
    items.remove(entry);
    expect([...items]).toEqual([2]);
  });
});
