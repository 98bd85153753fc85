// Runs the suite with vitest and closes with the counted line that `.ci/run` adds up.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const folder = mkdtempSync(join(tmpdir(), "vllm-router-real-"));
const file = join(folder, "report.json");
const config = join(import.meta.dirname, "..", "vitest.config.ts");
const vitest = join(import.meta.dirname, "..", "..", "..", "node_modules", "vitest", "vitest.mjs");
const selection = process.argv.slice(2);

const child = spawn(
  process.execPath,
  [
    vitest,
    "run",
    "--config",
    config,
    "--reporter=verbose",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...selection,
  ],
  { stdio: ["ignore", "inherit", "inherit"] },
);
child.on("exit", (code) => {
  const { passed, failed } = count(code);
  rmSync(folder, { recursive: true });
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});

/** A file that could not be loaded counts as one failure; so does an end that no test explains. */
function count(code: number | null): { readonly passed: number; readonly failed: number } {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return { passed: 0, failed: 1 };
  }
  const unloadable = report.testResults.filter(
    (result) => result.status === "failed" && result.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + unloadable;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && (code !== 0 || !report.success) ? 1 : failed,
  };
}
