import { parseArgs } from "node:util";
import { type Candidate, candidateOf, knownCandidates } from "./src/candidates.ts";
import { compare } from "./src/compare.ts";
import { measureIdle } from "./src/idle-cost.ts";
import { MockEngine } from "./src/mock-engine.ts";
import { SCENARIOS } from "./src/scenarios.ts";
import { writeBodies } from "./src/write-bodies.ts";

const USAGE = `Usage: tools/node tools/bench/main.ts [--candidates NAME,NAME] [--candidate NAME=COMMAND] [--scenarios s1,s2a,idle]
       [--rounds 3] [--out FILE.jsonl]   or   --bodies (writes the request bodies and ends)
Candidates: ${knownCandidates()
  .map(({ name, isInstalled }) => `${name}${isInstalled ? "" : " (not installed)"}`)
  .join(", ")}
Scenarios: ${Object.keys(SCENARIOS).join(", ")}, idle
`;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const { values } = parseArgs({
  options: {
    candidates: { type: "string" },
    candidate: { type: "string", multiple: true, default: [] },
    scenarios: { type: "string" },
    rounds: { type: "string", default: "3" },
    out: { type: "string" },
    bodies: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  print(USAGE);
} else {
  await writeBodies();
  if (!values.bodies) {
    await run();
  }
}

async function run(): Promise<void> {
  const scenarios = values.scenarios?.split(",") ?? [...Object.keys(SCENARIOS), "idle"];
  const candidates = chosenCandidates();
  const loads = scenarios.filter((name) => name !== "idle");
  const engine = await MockEngine.start();
  try {
    await compare(
      { candidates, scenarios: loads, rounds: Number(values.rounds), outPath: values.out },
      engine,
      print,
    );
    if (scenarios.includes("idle")) {
      print("## idle, 100 workers\n\n| candidate | core % | ready ms | MB |\n|---|---|---|---|");
      for (const candidate of candidates) {
        const cost = await measureIdle(candidate);
        print(
          `| ${cost.candidate} | ${(cost.core * 100).toFixed(2)} | ${cost.readyMs} | ${cost.megabytes} |`,
        );
      }
    }
  } finally {
    await engine.process.stop();
  }
}

function chosenCandidates(): readonly Candidate[] {
  const named = [...(values.candidates?.split(",") ?? []), ...values.candidate];
  return named.length > 0
    ? named.map(candidateOf)
    : knownCandidates().filter(({ isInstalled }) => isInstalled);
}
