import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { REAL_VLLM, REPOSITORY } from "../harness/program.ts";

const run = promisify(execFile);

describe("our .proto files", () => {
  it("have the messages, fields, numbers, types and methods of the servicer's own", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vllm-router-descriptors-"));
    try {
      const image = join(folder, "image.binpb");
      const buf = join(REPOSITORY, "packages", "proto", "node_modules", ".bin", "buf");
      await run(buf, ["build", join(REPOSITORY, "proto"), "-o", image]);
      const script = join(import.meta.dirname, "..", "compare_descriptors.py");
      const { stdout } = await run(join(REAL_VLLM, "venv", "bin", "python"), [script, image]);
      const report = JSON.parse(stdout) as {
        readonly compared: number;
        readonly differences: readonly string[];
      };
      expect(report.differences).toEqual([]);
      expect(report.compared).toBeGreaterThan(100);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
