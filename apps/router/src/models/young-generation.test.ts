import { describe, expect, it } from "vitest";
import { boundYoungGeneration } from "./young-generation.ts";

const MB = 1024 * 1024;

/** A heap of a size that is said, and the flags that were set. */
function bounded(flags: readonly string[], servesHere = true, v8Version = "13.6.233.17-node.40") {
  const set: string[] = [];
  let bytes = MB;
  let collected: (() => void) | undefined;
  boundYoungGeneration({
    flags,
    servesHere,
    v8Version,
    size: () => bytes,
    setFlag: (flag) => set.push(flag),
    afterCollections: (call) => {
      collected = call;
    },
  });
  const atStart = set.splice(0);
  return {
    atStart,
    isObserving: () => collected !== undefined,
    after: (megabytes: number): readonly string[] => {
      bytes = megabytes * MB;
      collected?.();
      return set.splice(0);
    },
  };
}

describe("boundYoungGeneration()", () => {
  it("bounds the heaps of threads that are started later", () => {
    expect(bounded([], false).atStart).toEqual(["--max-semi-space-size=16", "--min-semi-space-size=4"]);
  });

  it("leaves the heap alone that serves nobody", () => {
    expect(bounded([], false).isObserving()).toBe(false);
  });

  it("lets the heap grow until it is large enough, and again when V8 has made it smaller", () => {
    const heap = bounded([]);
    expect([1, 16, 32, 32, 64, 4, 16, 32].map((megabytes) => heap.after(megabytes))).toEqual([
      [],
      [],
      ["--semi-space-growth-factor=1"],
      [],
      [],
      ["--semi-space-growth-factor=2"],
      [],
      ["--semi-space-growth-factor=1"],
    ]);
  });

  it.each([
    "--max-semi-space-size=64",
    "--min_semi_space_size=8",
    "--trace-gc --semi-space-growth-factor=4",
    "--scavenger-max-new-space-capacity-mb=8",
    "--minor-ms",
  ])("leaves flags of the user's alone: %s", (flag) => {
    const heap = bounded(["--trace-warnings", flag]);
    expect([heap.atStart, heap.isObserving()]).toEqual([[], false]);
  });

  it("sets nothing in an older V8, in which this was not tried", () => {
    const heap = bounded([], true, "12.4.254.21-node.33");
    expect([heap.atStart, heap.isObserving()]).toEqual([[], false]);
  });
});
