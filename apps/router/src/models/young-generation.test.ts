import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { boundYoungGeneration } from "./young-generation.ts";

const MB = 1024 * 1024;

/** A heap of a size that is said, and the flags that were set. */
function bounded(flags: readonly string[], servesHere = true, v8Version = "13.6.233.17-node.40") {
  const set: string[] = [];
  let bytes = MB;
  let collected: (() => void) | undefined;
  const modelRead = boundYoungGeneration({
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
    modelRead,
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
    expect(bounded([]).atStart).toEqual(["--max-semi-space-size=16", "--min-semi-space-size=4"]);
  });

  it("bounds nothing but those where other threads serve requests", () => {
    const heap = bounded([], false);
    expect([heap.atStart, heap.isObserving()]).toEqual([["--max-semi-space-size=16"], false]);
  });

  it("lets a heap without a model grow half as far, and on when one has been read", () => {
    const heap = bounded([]);
    expect([1, 8, 16, 16].map((megabytes) => heap.after(megabytes))).toEqual([
      [],
      [],
      ["--semi-space-growth-factor=1"],
      [],
    ]);
    heap.modelRead();
    expect([16, 32].map((megabytes) => heap.after(megabytes))).toEqual([
      ["--semi-space-growth-factor=2"],
      ["--semi-space-growth-factor=1"],
    ]);
  });

  it("lets the heap grow until it is large enough, and again when V8 has made it smaller", () => {
    const heap = bounded([]);
    heap.modelRead();
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

/**
 * Forty young collections, each of which finds a good part alive, which is what V8 enlarges the young generation for; prints its size, MB. What
 * comes out does not depend on the machine's pace: the next objects are made when the observers have been told of the collection, there are
 * never as many that V8 would collect of its own accord, and the old generation has room for all (collecting that, V8 makes the young one
 * smaller where others keep the cores).
 */
const BUSY_PROGRAM = `
  import { PerformanceObserver } from "node:perf_hooks";
  import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const { boundYoungGeneration } = await import(process.argv[1]);
  const modelRead = boundYoungGeneration({ flags: process.argv.slice(3), servesHere: true });
  if (process.argv[2] === "model") modelRead();
  let told = 0;
  new PerformanceObserver(() => { told += 1; }).observe({ entryTypes: ["gc"] });
  const megabytes = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size / ${MB};
  for (let turn = 0; turn < 40; turn += 1) {
    globalThis.alive = undefined;
    for (let index = 2_500 * megabytes(); index > 0; index -= 1) globalThis.alive = { before: globalThis.alive, both: [turn, index] };
    collect({ type: "minor" });
    for (const before = told; told === before; ) await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(megabytes());
`;

async function youngGeneration(holds: "model" | "none", flags: readonly string[] = []): Promise<number> {
  const { href } = new URL("young-generation.ts", import.meta.url);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--initial-old-space-size=2000",
      ...flags,
      "--input-type=module",
      "--eval",
      BUSY_PROGRAM,
      "--",
      href,
      holds,
      ...flags,
    ],
    { timeout: 30_000, env: {} },
  );
  return Number(stdout);
}

describe("a busy program's young generation", () => {
  it.each([
    ["model", 32],
    ["none", 16],
  ] as const)("is as large as the bound: %s, %i MB", async (holds, bound) => {
    expect(await youngGeneration(holds)).toBe(bound);
  });

  it("goes beyond the bound where the user says how it is to grow", async () => {
    expect(await youngGeneration("none", ["--semi-space-growth-factor=2"])).toBeGreaterThan(16);
  });
});
