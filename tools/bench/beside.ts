// What streams notice of long prompts beside them: gaps between their tokens, and how soon the first one comes.
import { parseArgs } from "node:util";
import { candidateOf } from "./src/candidates.ts";
import { loadCommand, runLoad } from "./src/measurement.ts";
import { MockEngine } from "./src/mock-engine.ts";
import { type RunningCandidate, startCandidate } from "./src/running-candidate.ts";
import { scenarioOf } from "./src/scenarios.ts";
import { writeBodies } from "./src/write-bodies.ts";

const USAGE = `Usage: tools/node tools/bench/beside.ts [--candidates NAME,NAME] [--candidate NAME=COMMAND] [--streams s2a] [--long s8f128]
       [--connections 2] [--rounds 3]   (--long none for the streams alone)
`;

const { values } = parseArgs({
  options: {
    candidates: { type: "string" },
    candidate: { type: "string", multiple: true, default: [] },
    streams: { type: "string", default: "s2a" },
    long: { type: "string", default: "s8f128" },
    connections: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  await run();
}

async function run(): Promise<void> {
  await writeBodies();
  const engine = await MockEngine.start();
  const named = [...(values.candidates?.split(",") ?? []), ...values.candidate].map(candidateOf);
  const running: RunningCandidate[] = [];
  try {
    for (const candidate of named) {
      running.push(await startCandidate(candidate, scenarioOf(values.streams).workers));
    }
    process.stdout.write(
      "| candidate | gap p50, p99, max ms | first p50, p99 ms | long prompts/s | their first p50, p99 ms |\n|---|---|---|---|---|\n",
    );
    // The first window warms compilers.
    for (let round = -1; round < Number(values.rounds); round += 1) {
      for (const candidate of running) {
        await window(candidate, engine, round);
      }
    }
  } finally {
    for (const { process: router } of running) {
      await router.stop();
    }
    await engine.process.stop();
  }
}

async function window(candidate: RunningCandidate, engine: MockEngine, round: number): Promise<void> {
  await engine.setStep(scenarioOf(values.streams).stepMs);
  const streams = runLoad(loadCommand(candidate, values.streams, engine).command);
  const long = values.long === "none" ? undefined : runLoad(longCommand(candidate, engine));
  const { itl_ms: gap, ttft_ms: first } = await streams;
  const beside = await long;
  const ms = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(1));
  if (round >= 0) {
    process.stdout.write(
      `| ${candidate.name} | ${ms(gap?.p50)}, ${ms(gap?.p99)}, ${ms(gap?.max)} | ${ms(first?.p50)}, ${ms(first?.p99)} | ` +
        `${ms(beside?.req_s)} | ${ms(beside?.ttft_ms?.p50)}, ${ms(beside?.ttft_ms?.p99)} |\n`,
    );
  }
}

/** With fewer connections than where it is measured alone: the streams are what is looked at. */
function longCommand(candidate: RunningCandidate, engine: MockEngine): readonly string[] {
  const { command } = loadCommand(candidate, values.long, engine);
  const at = command.indexOf("--c") + 1;
  return command.map((word, index) => (index === at ? values.connections : word));
}
