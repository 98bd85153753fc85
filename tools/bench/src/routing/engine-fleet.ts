import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BENCH_FOLDER, TOKENIZER_FOLDER, WORK_FOLDER } from "../bench-paths.ts";
import { LOAD_CORE, PinnedProcess } from "../pinned-process.ts";

/** What one engine has done since it started. */
export interface EngineTotals {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
}

/** Engines of one run, each at a gRPC, an HTTP and two ZMQ ports. */
export interface EngineFleet {
  readonly grpcUrls: readonly string[];
  readonly httpUrls: readonly string[];
  readonly eventAddresses: readonly string[];
  readonly model: string;
  totals(): Promise<readonly EngineTotals[]>;
  stop(): Promise<void>;
}

/** How the engines are. */
export interface FleetOptions {
  readonly engines: number;
  readonly firstPort: number;
  readonly kvBlocks: number;
}

/** Starts simulated engines in one process on the load's core: an H100's pace, prefix cache and scheduler as in vLLM. */
export async function startEngineFleet(options: FleetOptions): Promise<EngineFleet> {
  const { engines, firstPort, kvBlocks } = options;
  const ports = Array.from({ length: engines }, (_, at) => firstPort + 4 * at);
  const child = new PinnedProcess({
    core: LOAD_CORE,
    command: [
      process.execPath,
      "--conditions=@vllm-router/source",
      join(BENCH_FOLDER, "src/routing/engine-fleet-program.ts"),
      JSON.stringify({ ports, kvBlocks, modelPath: TOKENIZER_FOLDER }),
    ],
    logPath: join(WORK_FOLDER, "logs", "routing-engines.log"),
  });
  const httpUrls = ports.map((port) => `http://127.0.0.1:${port + 1}`);
  const deadlineMs = performance.now() + 60_000;
  for (const url of httpUrls) {
    while (!(await isWell(url))) {
      if (child.isGone || performance.now() > deadlineMs) {
        await child.stop();
        throw new Error(`the engines did not come up: ${join(WORK_FOLDER, "logs", "routing-engines.log")}`);
      }
      await pause(100);
    }
  }
  return {
    grpcUrls: ports.map((port) => `grpc://127.0.0.1:${port}`),
    httpUrls,
    eventAddresses: ports.map((port) => `tcp://127.0.0.1:${port + 2}`),
    model: "qwen3",
    totals: () => Promise.all(httpUrls.map(readTotals)),
    stop: () => child.stop(),
  };
}

async function isWell(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

async function readTotals(url: string): Promise<EngineTotals> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^vllm:${name}\\{[^}]*\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return {
    promptTokens: read("prompt_tokens_total"),
    cachedTokens: read("prefix_cache_hits_total"),
    generatedTokens: read("generation_tokens_total"),
  };
}
