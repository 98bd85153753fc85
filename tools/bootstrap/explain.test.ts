import { describe, expect, it } from "vitest";
import { explainFailure } from "./explain.mjs";

describe("explainFailure()", () => {
  it.each([
    ["spawn npm ENOENT", "npm was not found"],
    ["npm error code ENOTFOUND", "could not be reached"],
    ["ERR_PNPM_META_FETCH_FAIL  GET …: request failed, reason: connect ECONNREFUSED", "could not be reached"],
    ["npm error code ENOSPC", "disk is full"],
    ["npm error code EACCES", "could not be written"],
    ["npm error code ETARGET", "does not have a version"],
    ["ERR_PNPM_OUTDATED_LOCKFILE", "pnpm install"],
    ["src/a.ts(1,1): error TS2307: Cannot find module", "do not compile"],
    ["something else", "output is above"],
  ])("for %s says what to do", (output, advice) => {
    expect(explainFailure(output, "npm")).toContain(advice);
  });
});
