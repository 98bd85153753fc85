import { spawn } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { BODIES_FOLDER, rigProgram } from "./bench-paths.ts";
import { type Counters, countTree } from "./counters.ts";
import type { MockEngine } from "./mock-engine.ts";
import { LOAD_CORE } from "./pinned-process.ts";
import type { RunningCandidate } from "./running-candidate.ts";
import { scenarioOf } from "./scenarios.ts";

/** Percentiles of a latency in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** CPU use of a watched process tree in the window. */
export interface ProcessLoad {
  /** 1 is a whole core. */
  readonly util: number;
  readonly us_per_req: number;
  readonly us_per_token: number;
  readonly rss_mb: number;
}

/** What the load generator saw in one window. */
export interface LoadResult {
  readonly requests: number;
  readonly tokens: number;
  readonly req_s: number;
  readonly tok_s: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Until the first event with content; for whole answers until they are complete. */
  readonly ttft_ms: Percentiles | null;
  /** Between content events of one stream. */
  readonly itl_ms: Percentiles | null;
  readonly total_ms: Percentiles | null;
  readonly load_util: number;
  /** CPU used by anything else on the machine, in cores. */
  readonly foreign_util: number;
  readonly engine: ProcessLoad;
  readonly router?: ProcessLoad;
}

/** One window of one candidate under one kind of load. */
export interface Measurement extends LoadResult {
  readonly candidate: string;
  readonly scenario: string;
  readonly idleMegabytes: number;
  readonly readyMs: number;
  /** Something else used the machine: judge by instructions, or measure again. */
  readonly isDisturbed: boolean;
  readonly loadAverage: number;
  readonly instructionsPerRequest: number | undefined;
  readonly cyclesPerRequest: number | undefined;
}

/** Length of a window, seconds. */
const WINDOW_SECONDS = Number(process.env["DURATION"] ?? 4);
const DISTURBED_CORES = 0.15;
const COUNTER_MARGIN_SECONDS = 0.1;

const rounds = new Map<string, number>();

/** Loads a candidate for one window. @throws Error when the load generator fails */
export async function measure(
  candidate: RunningCandidate,
  scenarioName: string,
  engine: MockEngine,
): Promise<Measurement> {
  const scenario = scenarioOf(scenarioName);
  await engine.setStep(scenario.stepMs);
  const { command, warmup } = loadCommand(candidate, scenarioName, engine);
  const counting =
    process.env["PERF"] === "0"
      ? undefined
      : countTree(candidate.process.tree(), {
          delaySeconds: warmup + COUNTER_MARGIN_SECONDS,
          seconds: WINDOW_SECONDS - COUNTER_MARGIN_SECONDS,
        });
  const result = await runLoad(command);
  return {
    candidate: candidate.name,
    scenario: scenarioName,
    idleMegabytes: candidate.idleMegabytes,
    readyMs: candidate.readyMs,
    isDisturbed: result.foreign_util > DISTURBED_CORES,
    loadAverage: loadavg()[0] ?? 0,
    ...perRequest(await counting, result.requests),
    ...result,
  };
}

/** The load generator's command line for one window; every window of a candidate has texts of its own. */
export function loadCommand(
  candidate: RunningCandidate,
  scenarioName: string,
  engine: MockEngine,
): { readonly command: readonly string[]; readonly warmup: number } {
  const scenario = scenarioOf(scenarioName);
  const key = `${candidate.name} ${scenarioName}`;
  const round = rounds.get(key) ?? 0;
  rounds.set(key, round + 1);
  const warmup = scenario.warmupSeconds ?? 1;
  const stream = scenario.stream ? ',"stream":true' : "";
  const command: (string | number)[] = [
    rigProgram("loadgen"),
    "--url",
    `http://127.0.0.1:${candidate.port}/v1/chat/completions`,
    "--bodies",
    join(BODIES_FOLDER, `${scenario.bodies}.jsonl`),
    "--c",
    scenario.connections,
    "--extra",
    `"model":"qwen3","max_tokens":${scenario.tokens}${stream}`,
    "--headers",
    (scenario.headers ?? []).join(";"),
    "--sse",
    scenario.stream ? 1 : 0,
    "--warmup",
    warmup,
    "--duration",
    WINDOW_SECONDS,
    "--ramp-ms",
    scenario.rampMs ?? 0,
    "--start-index",
    (scenario.spread ?? 0) * round,
    "--watch",
    `engine=${engine.process.pid}`,
    "--watch",
    `router=${candidate.process.pid}`,
  ];
  return { command: command.map(String), warmup };
}

function perRequest(
  counters: Counters | undefined,
  requests: number,
): Pick<Measurement, "instructionsPerRequest" | "cyclesPerRequest"> {
  const scale = WINDOW_SECONDS / (WINDOW_SECONDS - COUNTER_MARGIN_SECONDS) / Math.max(1, requests);
  return {
    instructionsPerRequest: counters && Math.round(counters.instructions * scale),
    cyclesPerRequest: counters && Math.round(counters.cycles * scale),
  };
}

/** Runs the load generator on its core. @throws Error when it fails */
export function runLoad(command: readonly string[]): Promise<LoadResult> {
  const load = spawn("taskset", ["-c", LOAD_CORE, ...command], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  load.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    load.once("error", reject);
    load.once("close", (code) => {
      if (code === 0) {
        resolve(JSON.parse(output) as LoadResult);
      } else {
        reject(new Error(`the load generator ended with ${code}`));
      }
    });
  });
}
