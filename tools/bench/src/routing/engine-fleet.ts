import { connectEngine } from "@vllm-router/engine-client";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BENCH_FOLDER, WORK_FOLDER } from "../bench-paths.ts";
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
  /** A folder with the model's tokenizer. */
  readonly tokenizerFolder: string;
  totals(): Promise<readonly EngineTotals[]>;
  /** Engines forget all prompts, and say so. */
  emptyCaches(): Promise<void>;
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
      JSON.stringify({ ports, kvBlocks }),
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
    model: "simulated",
    tokenizerFolder: join(BENCH_FOLDER, "../../packages/simulator/assets/model"),
    emptyCaches: async () => {
      for (const port of ports) await emptyCache(port);
      // The events reach every router.
      await pause(500);
    },
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

async function emptyCache(port: number): Promise<void> {
  const connection = connectEngine({ dialect: "vllm-engine", address: `127.0.0.1:${port}`, secure: false });
  try {
    if (connection.dialect !== "vllm-engine") return;
    const { success, message } = await connection.admin.flushCache({ idleTimeoutSeconds: 20 });
    if (!success) throw new Error(`engine ${port} keeps its cache: ${message}`);
  } finally {
    await connection.close();
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
