import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makeObjectsYoung } from "./allocation-sites.ts";

function flagsSet(flags: readonly string[], v8Version = "13.6.233.17-node.53"): readonly string[] {
  const set: string[] = [];
  makeObjectsYoung(flags, { v8Version, setFlag: (flag) => set.push(flag) });
  return set;
}

describe("makeObjectsYoung()", () => {
  it("turns off what V8 remembers of allocation sites", () => {
    expect(flagsSet(["--max-old-space-size=900", ""])).toEqual(["--no-allocation-site-pretenuring"]);
  });

  it.each([
    "--allocation-site-pretenuring",
    "--no_allocation_site_pretenuring",
    "--trace-gc --trace-pretenuring",
  ])("leaves flags of the user's alone: %s", (flag) => {
    expect(flagsSet(["--trace-warnings", flag])).toEqual([]);
  });

  it("sets nothing in an older V8, in which this was not tried", () => {
    expect(flagsSet([], "12.4.254.21-node.33")).toEqual([]);
  });

  it("names a flag that this V8 has", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--v8-options"], { timeout: 30_000 });
    const names = flagsSet([]).map((flag) => flag.replace("--no-", "--"));
    expect(names.filter((name) => !stdout.includes(`  ${name} `))).toEqual([]);
  });
});
