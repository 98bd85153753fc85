import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { PinnedProcess } from "./src/pinned-process.ts";
import { drive } from "./src/routing/drive.ts";
import { type EngineFleet, startEngineFleet } from "./src/routing/engine-fleet.ts";
import { type RoutingCandidate, routingCandidates, startRoutingCandidate } from "./src/routing/routers.ts";
import { routingResult, type RoutingResult, routingTable } from "./src/routing/routing-result.ts";
import { workloads } from "./src/routing/workloads.ts";

const USAGE = `Usage: tools/node tools/bench/routing.ts [--workloads chats,documents] [--candidates 'PART|PART'] [--rounds 1]
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
  const parts = values.candidates.split("|");
  const firstPort = Number(values["first-port"]);
  const engines = Number(values.engines);
  const fleet = await startEngineFleet({ engines, firstPort, kvBlocks: Number(values["kv-blocks"]) });
  const routers: RunningRouter[] = [];
  try {
    for (const candidate of routingCandidates()) {
      if (!candidate.isInstalled || !parts.some((part) => candidate.name.includes(part))) continue;
      const port = firstPort + 4 * engines + 2 * routers.length;
      const place = { fleet, port, metricsPort: port + 1 };
      try {
        routers.push({ candidate, port, process: await startRoutingCandidate(candidate, place) });
      } catch (error) {
        print(String(error));
      }
    }
    const results = await measureAll(fleet, routers, wanted);
    for (const { name, what } of workloads(1)) {
      const ofWorkload = results.filter(({ workload }) => workload === name);
      if (ofWorkload.length > 0) print(`\n### ${name}: ${what}\n\n${routingTable(ofWorkload)}`);
    }
  } finally {
    await Promise.all(routers.map((router) => router.process.stop()));
    await fleet.stop();
  }
}

interface RunningRouter {
  readonly candidate: RoutingCandidate;
  readonly port: number;
  readonly process: PinnedProcess;
}

/** Every router on every workload, in turn, each on empty caches; every round has texts of its own. */
async function measureAll(
  fleet: EngineFleet,
  routers: readonly RunningRouter[],
  wanted: readonly string[],
): Promise<readonly RoutingResult[]> {
  const results: RoutingResult[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const workload of workloads(Number(values.seed) + 100 * round)) {
      if (!wanted.some((part) => workload.name.includes(part))) continue;
      for (const { candidate, port } of routers) {
        await fleet.emptyCaches();
        const before = await fleet.totals();
        const driven = await drive(workload, port, fleet.model);
        const after = await fleet.totals();
        const names = { workload: workload.name, candidate: candidate.name };
        const result = routingResult(names, driven, { before, after });
        print(
          `${workload.name}: ${candidate.name}: cached ${(100 * result.hitRatio).toFixed(1)} %, busiest ${result.spread.toFixed(2)}, first token ${result.firstP50.toFixed(0)} ms`,
        );
        results.push(result);
        if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(result)}\n`);
      }
    }
  }
  return results;
}
