import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REAL_VLLM, type RunningProgram, startProgram } from "../harness/program.ts";

const PORT = 18_394;
const DISCOVERY_PORT = 18_395;
const BASE = `http://127.0.0.1:${PORT}`;
const MORIIO = "vllm/distributed/kv_transfer/kv_connector/v1/moriio/moriio_heartbeat.py";

/**
 * Runs the program by which vLLM's MoRI-IO connector announces an engine; the connector itself needs AMD GPUs. It asks for
 * msgpack, of which msgspec writes the same.
 */
const RUN_HEARTBEAT = [
  "import importlib.util, runpy, sys, types, msgspec",
  "stub = types.ModuleType('msgpack'); stub.dumps = msgspec.msgpack.encode; sys.modules['msgpack'] = stub",
  "root = importlib.util.find_spec('vllm').submodule_search_locations[0]",
  `path = root + '${MORIIO.slice("vllm".length)}'`,
  "sys.argv = [path, 'tcp://127.0.0.1:" + String(DISCOVERY_PORT) + "', '0.5', '100']",
  "runpy.run_path(path, run_name='__main__')",
].join("\n");

describe("engines that announce themselves with vLLM's own program", () => {
  let router: RunningProgram;
  const heartbeats: ChildProcess[] = [];

  beforeAll(async () => {
    router = startProgram("vllm-router", [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      "moriio",
      "--vllm-discovery-address",
      `127.0.0.1:${DISCOVERY_PORT}`,
      "--vllm-discovery-timeout-secs",
      "3",
      "--port",
      String(PORT),
      "--prometheus-port",
      "0",
    ]);
    await router.ready(`${BASE}/liveness`, 60_000);
  }, 90_000);

  afterAll(async () => {
    for (const heartbeat of heartbeats) {
      heartbeat.kill("SIGKILL");
    }
    await router.stop("SIGTERM", 30_000);
    await router.nothingLeft(30_000);
  });

  /** Roles of the workers, by their URLs. */
  async function workers(): Promise<Record<string, string>> {
    const answer = (await (await fetch(`${BASE}/workers`)).json()) as {
      workers: readonly { readonly url: string; readonly worker_type: string }[];
    };
    return Object.fromEntries(answer.workers.map(({ url, worker_type: type }) => [url, type]));
  }

  function announce(type: "P" | "D", port: number): ChildProcess {
    const heartbeat = spawn(join(REAL_VLLM, "venv", "bin", "python"), ["-c", RUN_HEARTBEAT], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    heartbeats.push(heartbeat);
    const payload = {
      type,
      http_address: `127.0.0.1:${port}`,
      zmq_address: `host:127.0.0.1,handshake:${port + 1},notify:${port + 2}`,
      dp_size: 1,
      tp_size: 1,
      transfer_mode: "WRITE",
    };
    heartbeat.stdin?.write(`${JSON.stringify(payload)}\n`);
    return heartbeat;
  }

  it("are added for their legs, and removed when they say nothing any more", async () => {
    announce("P", 18_396);
    const decode = announce("D", 18_397);
    await expect
      .poll(workers, { timeout: 60_000 })
      .toEqual({ "http://127.0.0.1:18396": "prefill", "http://127.0.0.1:18397": "decode" });
    // It ends with its engine, whose end closes this.
    decode.stdin?.end();
    await expect.poll(workers, { timeout: 20_000 }).toEqual({ "http://127.0.0.1:18396": "prefill" });
  });
});
