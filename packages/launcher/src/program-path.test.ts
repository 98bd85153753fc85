import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { findProgram } from "./program-path.ts";

describe("findProgram()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "program-path-"));
    writeFileSync(join(folder, "good"), "", { mode: 0o755 });
    writeFileSync(join(folder, "plain"), "", { mode: 0o644 });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("looks through PATH in order", () => {
    expect(findProgram("good", `/nowhere:${folder}`)).toBe(join(folder, "good"));
  });

  it("wants an executable file", () => {
    expect(findProgram("plain", folder)).toBeUndefined();
    expect(findProgram("missing", folder)).toBeUndefined();
    expect(findProgram("good", undefined)).toBeUndefined();
    expect(findProgram(folder, "")).toBeUndefined();
  });

  it("takes a path as it is", () => {
    expect(findProgram(join(folder, "good"), "")).toBe(join(folder, "good"));
  });
});
