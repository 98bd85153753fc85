// Where a router of ours spends its time under one kind of load.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { candidateOf } from "./src/candidates.ts";
import { type CpuProfile, type ProfileShare, summarise } from "./src/cpu-profile.ts";
import { InspectorSession } from "./src/inspector-session.ts";
import { measure } from "./src/measurement.ts";
import { MockEngine } from "./src/mock-engine.ts";
import { INSPECTOR_PORT } from "./src/ports.ts";
import { startCandidate } from "./src/running-candidate.ts";
import { scenarioOf } from "./src/scenarios.ts";
import { threadShares, threadTimes, type ThreadShare } from "./src/thread-times.ts";
import { writeBodies } from "./src/write-bodies.ts";

const USAGE = `Usage: tools/node tools/bench/profile.ts [--candidate vllm-router-grpc] [--after s2b] [--scenario s1] [--warm 2] [--top 40] [--out FILE.cpuprofile]
`;
const SAMPLE_US = 250;

const { values } = parseArgs({
  options: {
    candidate: { type: "string", default: "vllm-router-grpc" },
    after: { type: "string", default: "" },
    scenario: { type: "string", default: "s1" },
    warm: { type: "string", default: "2" },
    top: { type: "string", default: "40" },
    out: { type: "string" },
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
  const candidate = candidateOf(values.candidate);
  const inspected: typeof candidate = {
    ...candidate,
    environment: (place) => ({
      ...candidate.environment?.(place),
      NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --inspect=127.0.0.1:${INSPECTOR_PORT}`,
    }),
  };
  try {
    const running = await startCandidate(inspected, scenarioOf(values.scenario).workers);
    for (const before of values.after.split(",").filter((name) => name !== "")) {
      await measure(running, before, engine);
    }
    for (let window = 0; window < Number(values.warm); window += 1) {
      await measure(running, values.scenario, engine);
    }
    using inspector = await InspectorSession.open(INSPECTOR_PORT);
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    await inspector.call("Profiler.start");
    const before = threadTimes(running.process.pid);
    const { router } = await measure(running, values.scenario, engine);
    const shares = threadShares(before, threadTimes(running.process.pid));
    const { profile } = (await inspector.call("Profiler.stop")) as { readonly profile: CpuProfile };
    await running.process.stop();
    if (values.out !== undefined) {
      writeFileSync(values.out, JSON.stringify(profile));
    }
    print(profile, shares, router?.us_per_req ?? Number.NaN);
  } finally {
    await engine.process.stop();
  }
}

function print(profile: CpuProfile, threads: readonly ThreadShare[], usPerRequest: number): void {
  const { busy, functions, files } = summarise(profile);
  process.stdout.write(
    `${values.scenario}: busy ${(busy * 100).toFixed(0)} %, ${usPerRequest.toFixed(0)} µs/request with the profiler\n\n`,
  );
  process.stdout.write(
    `Processor time by thread, the profiler's own too\n${lines(threads)}\nThe rest is of the first thread\n`,
  );
  process.stdout.write(
    `By file of ours, with what Node did for it\n${lines(files)}\nBy function\n${lines(functions)}`,
  );
}

function lines(shares: readonly ProfileShare[]): string {
  return shares
    .slice(0, Number(values.top))
    .map(({ name, share }) => `${(share * 100).toFixed(1).padStart(5)} %  ${name}\n`)
    .join("");
}
