import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { flagsSetBy, OLDER_V8 } from "./tuning.cases.ts";
import { makeObjectsYoung } from "./allocation-sites.ts";

const flagsSet = flagsSetBy(makeObjectsYoung);

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
    expect(flagsSet([], OLDER_V8)).toEqual([]);
  });

  it("names a flag that this V8 has", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--v8-options"], { timeout: 30_000 });
    const names = flagsSet([]).map((flag) => flag.replace("--no-", "--"));
    expect(names.filter((name) => !stdout.includes(`  ${name} `))).toEqual([]);
  });
});
