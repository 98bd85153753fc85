// `npm test`: every check of this repository, one after the other, with the seconds of each.
//   tools/node tools/check/main.ts [--only NAME,NAME] [--list]
import { parseArgs } from "node:util";
import { boundaryComplaints } from "./boundaries.ts";
import { fileRuleComplaints } from "./file-rules.ts";
import { generatedComplaints } from "./generated.ts";
import { packedComplaints } from "./packed.ts";
import { commandStep, complaintStep, type Step, type StepResult } from "./step.ts";
import { vitestStep } from "./tests.ts";

const STEPS: readonly Step[] = [
  commandStep("format", "oxfmt", ["--check", "."]),
  commandStep("lint", "oxlint", ["--deny-warnings"]),
  commandStep("types", "tsc", ["-b"]),
  commandStep("layers", "turbo", ["boundaries"]),
  complaintStep("dependencies", boundaryComplaints),
  complaintStep("file-rules", fileRuleComplaints),
  complaintStep("generated", generatedComplaints),
  commandStep("unused", "knip", ["--no-progress", "--no-config-hints"]),
  complaintStep("packed", packedComplaints),
  vitestStep("tests", ["!cli"]),
  vitestStep("end-to-end", ["cli"]),
];

const { values } = parseArgs({ options: { only: { type: "string" }, list: { type: "boolean" } } });
if (values.list === true) {
  console.log(STEPS.map((step) => step.name).join("\n"));
} else {
  const names = values.only?.split(",");
  const unknown = names?.filter((name) => STEPS.every((step) => step.name !== name)) ?? [];
  if (unknown.length > 0) {
    console.error(`No such check: ${unknown.join(", ")}. \`--list\` shows them.`);
    process.exitCode = 2;
  } else {
    await runSteps(STEPS.filter((step) => names?.includes(step.name) ?? true));
  }
}

/** Runs all steps, also after a failure, so that one run shows everything; the last line counts. */
async function runSteps(steps: readonly Step[]): Promise<void> {
  let passed = 0;
  const failedSteps: string[] = [];
  let failed = 0;
  for (const step of steps) {
    const startedAtMs = performance.now();
    const result = await runSafely(step);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    passed += result.passed;
    failed += result.failed;
    if (result.failed > 0) failedSteps.push(step.name);
    if (result.report !== "") console.log(result.report.trimEnd());
    console.log(`[check] ${result.failed === 0 ? "ok    " : "FAILED"} ${step.name.padEnd(14)} ${seconds} s`);
  }
  if (failedSteps.length > 0) {
    console.log(
      `[check] failed: ${failedSteps.join(", ")}. One of them again: tools/node tools/check/main.ts --only NAME`,
    );
    process.exitCode = 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
}

/** A check that throws has failed; the others still run. */
async function runSafely(step: Step): Promise<StepResult> {
  try {
    return await step.run();
  } catch (error) {
    return {
      passed: 0,
      failed: 1,
      report: `${step.name}: ${error instanceof Error ? error.stack : String(error)}`,
    };
  }
}
