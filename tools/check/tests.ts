import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand, type Step, type StepResult } from "./step.ts";

/** The part of vitest's JSON report that is counted. */
interface VitestReport {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; assertionResults: unknown[] }[];
}

/** Runs vitest on some projects, shows its output as it comes, and counts the tests that really ran. */
export function vitestStep(name: string, projects: readonly string[]): Step {
  return { name, run: () => runVitest(projects) };
}

async function runVitest(projects: readonly string[]): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), "vllm-router-tests-"));
  const file = join(folder, "report.json");
  try {
    const selection = projects.flatMap((project) => ["--project", project]);
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const { code } = await runCommand("vitest", ["run", ...selection, ...reporters], { isShown: true });
    if (!existsSync(file)) return { passed: 0, failed: 1, report: "vitest ended without a report" };
    return count(JSON.parse(readFileSync(file, "utf8")) as VitestReport, code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file that could not be loaded has no tests of its own but counts as one failure; so does an unhandled error. */
function count(report: VitestReport, code: number): StepResult {
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + unloadable;
  const isUnexplained = failed === 0 && (code !== 0 || !report.success);
  return { passed: report.numPassedTests, failed: isUnexplained ? 1 : failed, report: "" };
}
