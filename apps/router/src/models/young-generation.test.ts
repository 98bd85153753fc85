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

/** Makes half a million objects, of which many live through two young collections; prints how large the young generation was half of the time or more, MB. */
const BUSY_PROGRAM = `
  import { getHeapSpaceStatistics } from "node:v8";
  const { boundYoungGeneration } = await import(process.argv[1]);
  const modelRead = boundYoungGeneration({ flags: process.argv.slice(3), servesHere: true });
  if (process.argv[2] === "model") modelRead();
  let alive = [];
  const sizes = [];
  for (let turn = 0; turn < 400; turn += 1) {
    for (let index = 0; index < 4_000; index += 1) alive.push({ turn, index, both: [turn, index] });
    if (alive.length > 200_000) alive = alive.slice(100_000);
    const young = getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
    sizes.push(young.space_size / ${MB});
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(sizes.toSorted((one, other) => one - other)[sizes.length / 2]);
`;

/**
 * That of the middle one of three programs: V8 tells of a collection a little later, and where others keep the machine's cores
 * it may have enlarged the young generation once more by then.
 */
async function usualYoungGeneration(holds: "model" | "none", flags: readonly string[]): Promise<number> {
  const sizes: number[] = [];
  for (let program = 0; program < 3; program += 1) {
    sizes.push(await youngGeneration(holds, flags));
  }
  return sizes.toSorted((one, other) => one - other)[1] as number;
}

async function youngGeneration(holds: "model" | "none", flags: readonly string[]): Promise<number> {
  const { href } = new URL("young-generation.ts", import.meta.url);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, "--input-type=module", "--eval", BUSY_PROGRAM, "--", href, holds, ...flags],
    { timeout: 30_000, env: {} },
  );
  return Number(stdout);
}

describe("a busy program's young generation", () => {
  it.each([
    ["model", 32, 32],
    // V8 takes a little more than the bound where much is alive.
    ["none", 16, 28],
  ] as const)(
    "is as large as the bound, unless the user says so: %s, %i to %i MB",
    async (holds, least, most) => {
      const free = await usualYoungGeneration(holds, ["--semi-space-growth-factor=2"]);
      const usual = await usualYoungGeneration(holds, []);
      const isBounded = usual >= least && usual <= most;
      expect([free > 32, isBounded]).toEqual([true, Number(process.versions.v8.split(".")[0]) >= 13]);
    },
  );
});
