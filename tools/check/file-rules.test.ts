import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "../bootstrap/environment.mjs";
import { fileRuleComplaints } from "./file-rules.ts";

describe("fileRuleComplaints()", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vllm-router-files-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(["packages/text/src/utils.ts", "apps/router/src/helpers/x.ts", "packages/api/src/types.ts"])(
    "refuses the name %s",
    (file) => {
      expect(fileRuleComplaints([file])).toEqual([expect.stringContaining("says nothing")]);
    },
  );

  it("refuses an index.ts inside a folder", () => {
    expect(fileRuleComplaints(["packages/text/src/index.ts"])).toEqual([]);
    expect(fileRuleComplaints(["packages/text/src/template/index.ts"])).toEqual([
      expect.stringContaining("only at a package's root"),
    ]);
  });

  it("refuses `export *`", () => {
    const file = join(folder, "everything.ts");
    writeFileSync(file, 'export * from "./one.ts";\n');
    expect(fileRuleComplaints([relative(root, file)])).toEqual([
      expect.stringContaining("exports are named"),
    ]);
  });

  it("leaves generated code and fixtures alone", () => {
    expect(
      fileRuleComplaints(["packages/proto/src/gen/common.ts", "packages/api/src/__fixtures__/utils.ts"]),
    ).toEqual([]);
  });
});
