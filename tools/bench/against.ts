// What the working tree costs in CPU time per request, against a commit, in one interleaved run. Shows; never passes or fails on timing.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, checkOutBase } from "./src/base-checkout.ts";
import { candidateOf } from "./src/candidates.ts";
import { compare } from "./src/compare.ts";
import { differenceTable } from "./src/difference.ts";
import { MockEngine } from "./src/mock-engine.ts";
import { writeBodies } from "./src/write-bodies.ts";

const USAGE = `Usage: pnpm bench:compare BASE [--scenarios s1,s2a,s3,s4f,s8f32,s8t32] [--lane grpc|http] [--rounds 5]
       [--summary FILE]   (the table is appended to FILE as well)
BASE is a branch, tag or commit; it is checked out and built in the bench's folder. The change is the working tree.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenarios: { type: "string", default: "s1,s2a,s3,s4f,s8f32,s8t32" },
    lane: { type: "string", default: "grpc" },
    rounds: { type: "string", default: "5" },
    summary: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const [revision] = positionals;
if (values.help || revision === undefined) {
  process.stdout.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  await run(revision);
}

async function run(base: string): Promise<void> {
  const { folder, commit } = checkOutBase(base);
  build();
  await writeBodies();
  const engine = await MockEngine.start();
  try {
    const byScenario = await compare(
      {
        candidates: [routerIn(folder, "base"), candidateOf(nameOfOurs())],
        scenarios: values.scenarios.split(","),
        rounds: Number(values.rounds),
        outPath: undefined,
      },
      engine,
      (text) => void process.stdout.write(`${text}\n`),
    );
    const table = differenceTable({ base: "base", change: nameOfOurs(), byScenario });
    const report = `## CPU time per request against ${base} (${commit.slice(0, 12)})\n\n${table}`;
    process.stdout.write(report);
    if (values.summary !== undefined) {
      appendFileSync(values.summary, report);
    }
  } finally {
    await engine.process.stop();
  }
}

function nameOfOurs(): string {
  return values.lane === "http" ? "vllm-router-proxy" : "vllm-router-grpc";
}

function routerIn(folder: string, name: string): ReturnType<typeof candidateOf> {
  const program = join(folder, "apps/router/bin/vllm-router.js");
  const lane = values.lane === "http" ? "{http}" : "{grpc}";
  const command = `${process.execPath} ${program} --port {port} --prometheus-port {mport} --log-level warn --worker-urls ${lane}`;
  return candidateOf(`${name}=${command}`);
}
