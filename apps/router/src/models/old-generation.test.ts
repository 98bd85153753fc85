import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { flagsSetBy, KNOWN_V8, OLDER_V8 } from "./tuning.cases.ts";
import { letOldGenerationGrow } from "./old-generation.ts";

const MAJOR_V8 = Number(process.versions.v8.split(".")[0]);

const flagsSet = flagsSetBy(letOldGenerationGrow);

describe("letOldGenerationGrow()", () => {
  it("counts buffers like objects, and lets both grow by half", () => {
    expect(flagsSet(["--max-old-space-size=900", ""])).toEqual([
      "--external-memory-accounted-in-global-limit",
      "--heap-growing-percent=50",
    ]);
  });

  it.each([
    ["", ["--heap-growing-percent=75"]],
    ["--heap-growing-percent=20", []],
  ])("lets them grow by more from the first model on, unless the user says so: %s", (flag, expected) => {
    const set: string[] = [];
    const modelRead = letOldGenerationGrow([flag], { v8Version: KNOWN_V8, setFlag: (one) => set.push(one) });
    set.length = 0;
    modelRead();
    modelRead();
    expect(set).toEqual(expected);
  });

  it.each([
    "--heap-growing-percent=20",
    "--no-external-memory-accounted-in-global-limit",
    "--trace-gc --memory_balancer",
  ])("leaves flags of the user's alone: %s", (flag) => {
    expect(flagsSet(["--trace-warnings", flag])).toEqual([]);
  });

  it("sets nothing in an older V8, in which this was not tried", () => {
    expect(flagsSet([], OLDER_V8)).toEqual([]);
  });
});

/** Makes buffers as a busy router does, with many objects alive; prints how often everything was collected. */
const BUSY_PROGRAM = `
  import { PerformanceObserver } from "node:perf_hooks";
  const { letOldGenerationGrow } = await import(process.argv[1]);
  letOldGenerationGrow(process.argv.slice(2));
  const alive = Array.from({ length: 600_000 }, (_, index) => ({ index, both: [index, index] }));
  global.gc();
  let collections = 0;
  new PerformanceObserver((list) => {
    collections += list.getEntries().filter(({ detail }) => detail.kind === 4).length;
  }).observe({ entryTypes: ["gc"] });
  for (let turn = 0; turn < 200; turn += 1) {
    for (let index = 0; index < 100; index += 1) Buffer.allocUnsafeSlow(131_072);
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(collections * (alive.length > 0 ? 1 : 0));
`;

async function wholeCollections(flags: readonly string[]): Promise<number> {
  const { href } = new URL("old-generation.ts", import.meta.url);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, "--expose-gc", "--input-type=module", "--eval", BUSY_PROGRAM, "--", href, ...flags],
    { timeout: 30_000, env: {} },
  );
  return Number(stdout);
}

describe("a program that makes many buffers", () => {
  it("is collected as a whole several times less often, unless the user says so", async () => {
    const free = await wholeCollections(["--no-memory-balancer"]);
    const tuned = await wholeCollections([]);
    expect([free > 5, tuned * 2 < free]).toEqual([true, MAJOR_V8 >= 13]);
  });
});
