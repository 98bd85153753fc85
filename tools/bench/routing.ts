import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { drive } from "./src/routing/drive.ts";
import { startEngineFleet } from "./src/routing/engine-fleet.ts";
import { type RoutingCandidate, routingCandidates, startRoutingCandidate } from "./src/routing/routers.ts";
import { routingResult, type RoutingResult, routingTable } from "./src/routing/routing-result.ts";
import { type Workload, workloads } from "./src/routing/workloads.ts";

const USAGE = `Usage: tools/node tools/bench/routing.ts [--workloads chats,documents] [--candidates PART,PART] [--rounds 1]
       [--engines 8] [--kv-blocks 5000] [--first-port 24000] [--seed 1] [--out FILE.jsonl]
Workloads: ${workloads(1)
  .map(({ name, what }) => `\n  ${name}: ${what}`)
  .join("")}
Candidates (any part of a name): ${routingCandidates()
  .map(({ name, isInstalled }) => `\n  ${name}${isInstalled ? "" : " (not installed)"}`)
  .join("")}
`;

const { values } = parseArgs({
  options: {
    workloads: { type: "string", default: "" },
    candidates: { type: "string", default: "" },
    rounds: { type: "string", default: "1" },
    engines: { type: "string", default: "8" },
    "kv-blocks": { type: "string", default: "5000" },
    "first-port": { type: "string", default: "24000" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

if (values.help) {
  print(USAGE);
} else {
  await run();
}

async function run(): Promise<void> {
  const wanted = values.workloads.split(",");
  const parts = values.candidates.split(",");
  const candidates = routingCandidates().filter(
    ({ name, isInstalled }) => isInstalled && parts.some((part) => name.includes(part)),
  );
  let port = Number(values["first-port"]);
  for (const workload of workloads(Number(values.seed))) {
    if (!wanted.some((part) => workload.name.includes(part))) continue;
    const results: RoutingResult[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const candidate of candidates) {
        const result = await measure(candidate, workload, port).catch((error: unknown) => String(error));
        // Never the same ports twice: connections of the last run may linger.
        port += 4 * Number(values.engines) + 2;
        if (port > Number(values["first-port"]) + 900) port = Number(values["first-port"]);
        if (typeof result === "string") {
          print(result);
          continue;
        }
        print(`${workload.name}: ${candidate.name} cached ${(100 * result.hitRatio).toFixed(1)} %`);
        results.push(result);
        if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(result)}\n`);
      }
    }
    print(`\n### ${workload.name}: ${workload.what}\n\n${routingTable(results)}`);
  }
}

async function measure(
  candidate: RoutingCandidate,
  workload: Workload,
  firstPort: number,
): Promise<RoutingResult> {
  const engines = Number(values.engines);
  const fleet = await startEngineFleet({
    engines,
    firstPort: firstPort + 2,
    kvBlocks: Number(values["kv-blocks"]),
  });
  try {
    const router = await startRoutingCandidate(candidate, {
      fleet,
      port: firstPort,
      metricsPort: firstPort + 1,
    });
    try {
      const before = await fleet.totals();
      const driven = await drive(workload, firstPort, fleet.model);
      const after = await fleet.totals();
      return routingResult({ workload: workload.name, candidate: candidate.name }, driven, { before, after });
    } finally {
      await router.stop();
    }
  } finally {
    await fleet.stop();
  }
}
