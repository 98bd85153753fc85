import { appendFileSync } from "node:fs";
import type { Candidate } from "./candidates.ts";
import { measure, type Measurement } from "./measurement.ts";
import type { MockEngine } from "./mock-engine.ts";
import { untilQuiet } from "./quiet-machine.ts";
import { reportTable } from "./report.ts";
import { type RunningCandidate, startCandidate } from "./running-candidate.ts";
import { scenarioOf } from "./scenarios.ts";

/** What is compared. */
export interface Comparison {
  readonly candidates: readonly Candidate[];
  readonly scenarios: readonly string[];
  readonly rounds: number;
  /** File that every measurement is appended to as a JSON line. */
  readonly outPath: string | undefined;
}

/** Windows thrown away before the first round: compilers need tens of thousands of requests to finish their work. */
const WARM_WINDOWS = Number(process.env["WARM"] ?? 1);
/** Windows that are measured again when something else used the machine. */
const TRIES = Number(process.env["TRIES"] ?? 3);

/**
 * Starts all candidates and measures them in turn, A B C, B C A, …: what drifts on the machine drifts for all. Prints one
 * table a scenario as soon as it is complete. Returns the measurements by scenario, in the order of the rounds.
 */
export async function compare(
  comparison: Comparison,
  engine: MockEngine,
  print: (text: string) => void,
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  const byScenario = new Map<string, readonly Measurement[]>();
  const workerCounts = new Set(comparison.scenarios.map((name) => scenarioOf(name).workers));
  for (const workers of workerCounts) {
    const running: RunningCandidate[] = [];
    for (const candidate of comparison.candidates) {
      running.push(await startCandidate(candidate, workers));
    }
    for (const scenario of comparison.scenarios.filter((name) => scenarioOf(name).workers === workers)) {
      const measurements = await measureRounds(running, { comparison, scenario, engine });
      byScenario.set(scenario, measurements);
      print(reportTable(scenario, measurements));
    }
    for (const { process: router } of running) {
      await router.stop();
    }
  }
  return byScenario;
}

async function measureRounds(
  running: readonly RunningCandidate[],
  what: { readonly comparison: Comparison; readonly scenario: string; readonly engine: MockEngine },
): Promise<readonly Measurement[]> {
  const { comparison, scenario, engine } = what;
  const measurements: Measurement[] = [];
  for (const candidate of running) {
    for (let window = 0; window < WARM_WINDOWS; window += 1) {
      await measure(candidate, scenario, engine);
    }
  }
  for (let round = 0; round < comparison.rounds; round += 1) {
    for (const candidate of [
      ...running.slice(round % running.length),
      ...running.slice(0, round % running.length),
    ]) {
      const measurement = await measureQuietly(candidate, scenario, engine);
      measurements.push(measurement);
      if (comparison.outPath !== undefined) {
        appendFileSync(comparison.outPath, `${JSON.stringify({ round, ...measurement })}\n`);
      }
    }
  }
  return measurements;
}

async function measureQuietly(
  candidate: RunningCandidate,
  scenario: string,
  engine: MockEngine,
): Promise<Measurement> {
  for (let attempt = 1; ; attempt += 1) {
    await untilQuiet();
    const measurement = await measure(candidate, scenario, engine);
    if (!measurement.isDisturbed || attempt >= TRIES) {
      return measurement;
    }
  }
}
