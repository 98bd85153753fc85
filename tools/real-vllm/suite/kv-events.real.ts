import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const ENGINE = 19_740;
const EVENTS = 19_741;
const REPLAYS = 19_742;
const SIMULATOR = 19_743;
const FILLER = 19_744;
const ROUTERS = { grpc: 19_745, zmq: 19_746 } as const;

const ENGINE_URL = `http://127.0.0.1:${ENGINE}`;
const SIMULATOR_URL = `http://127.0.0.1:${SIMULATOR}`;
/** vLLM's blocks on the CPU have 128 tokens, eight of the index's. */
const ENGINE_BLOCK = 128;
const INDEX_BLOCKS = ENGINE_BLOCK / 16;
const START_MS = 600_000;

const promptOf = (identity: number, length: number): number[] =>
  Array.from({ length }, (_, position) => 1_000 + ((identity * 7_919 + position * 31) % 100_000));

/**
 * A real engine that publishes its KV events, and a simulated one that serves the same model, behind one router that hears
 * the events by SubscribeKvEvents and one that hears them by ZMQ. A third router fills the engine, so that the other two
 * can know of it by events alone.
 */
describe("KV events of a real vLLM", () => {
  let engine: RunningProgram;
  const others: RunningProgram[] = [];

  const startEngine = (): RunningProgram =>
    startProgram("vllm-serve", [
      "tiny-qwen3",
      "--headless",
      "--host",
      "127.0.0.1",
      "--port",
      String(ENGINE),
      ...ENGINE_FLAGS,
      "--kv-events-config",
      JSON.stringify({
        enable_kv_cache_events: true,
        publisher: "zmq",
        endpoint: `tcp://*:${EVENTS}`,
        replay_endpoint: `tcp://127.0.0.1:${REPLAYS}`,
      }),
    ]);

  const startRouter = (port: number, flags: readonly string[]): RunningProgram =>
    startProgram("vllm-router", [
      "--port",
      String(port),
      "--prometheus-port",
      "0",
      "--worker-startup-check-interval",
      "1",
      "--health-check-interval-secs",
      "1",
      "--enable-explain",
      "--enable-prompt-tokens-details",
      ...flags,
    ]);

  beforeAll(async () => {
    engine = startEngine();
    const both = ["--worker-urls", ENGINE_URL, SIMULATOR_URL];
    others.push(
      startProgram("vllm-simulator", [
        "tiny-qwen3",
        "--served-model-name",
        "tiny-qwen3",
        "--max-model-len",
        "2048",
        "--block-size",
        String(ENGINE_BLOCK),
        "--port",
        String(SIMULATOR),
      ]),
      startRouter(FILLER, ["--worker-urls", ENGINE_URL, "--disable-kv-events"]),
      startRouter(ROUTERS.grpc, both),
      startRouter(ROUTERS.zmq, [
        ...both,
        "--kv-events-endpoint",
        `${ENGINE_URL}=tcp://127.0.0.1:${EVENTS}`,
        "--kv-events-replay-endpoint",
        `${ENGINE_URL}=tcp://127.0.0.1:${REPLAYS}`,
      ]),
    );
    await allReady();
    await settleWarmUp();
  }, START_MS);

  afterAll(async () => {
    for (const program of [engine, ...others]) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGKILL", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  it("routes to the engine that holds the prompt, and knows how much of it the engine will find", async () => {
    const before = await toldBlocks("zmq");
    for (const identity of [1, 2, 3, 4]) {
      await complete(FILLER, promptOf(identity, 400));
    }
    for (const source of ["grpc", "zmq"] as const) {
      await until(
        `${source} has heard`,
        async () => (await toldBlocks(source)) >= before + 4 * 3 * INDEX_BLOCKS,
      );
    }
    const held = {
      worker: ENGINE_URL,
      reason: "prefix",
      matched: 3 * ENGINE_BLOCK,
      cached: 3 * ENGINE_BLOCK,
    };
    expect(await complete(ROUTERS.grpc, promptOf(1, 460))).toEqual(held);
    expect(await complete(ROUTERS.grpc, promptOf(2, 385))).toEqual(held);
    expect(await complete(ROUTERS.zmq, promptOf(3, 460))).toEqual(held);
    // The engine computes a prompt's last token in any case, and so its last block.
    expect(await complete(ROUTERS.zmq, promptOf(4, 384))).toEqual({
      ...held,
      matched: 2 * ENGINE_BLOCK,
      cached: 2 * ENGINE_BLOCK,
    });
  });

  it("lets conversations grow where they began", async () => {
    for (const port of Object.values(ROUTERS)) {
      for (const identity of [11, 12, 13, 14, 15]) {
        const conversation = port * identity;
        const first = await complete(port, promptOf(conversation, 300));
        expect(await complete(port, promptOf(conversation, 600))).toEqual({
          worker: first.worker,
          reason: "prefix",
          matched: 2 * ENGINE_BLOCK,
          cached: 2 * ENGINE_BLOCK,
        });
      }
    }
  });

  it(
    "forgets an engine that was killed, and follows the one that comes in its place",
    { timeout: START_MS },
    async () => {
      await engine.stop("SIGKILL", 10_000);
      await engine.nothingLeft(30_000);
      await allReady(1);
      engine = startEngine();
      await allReady();
      await settleWarmUp();
      for (const source of ["grpc", "zmq"] as const) {
        const told = await complete(ROUTERS[source], promptOf(source === "grpc" ? 1 : 3, 460));
        expect(told).toMatchObject({ matched: 0, cached: 0 });
      }
      const before = { grpc: await toldBlocks("grpc"), zmq: await toldBlocks("zmq") };
      await complete(FILLER, promptOf(21, 400));
      await complete(FILLER, promptOf(22, 400));
      for (const [source, identity] of [
        ["grpc", 21],
        ["zmq", 22],
      ] as const) {
        await until(
          `${source} has heard`,
          async () => (await toldBlocks(source)) >= before[source] + 2 * 3 * INDEX_BLOCKS,
        );
        expect(await complete(ROUTERS[source], promptOf(identity, 460))).toEqual({
          worker: ENGINE_URL,
          reason: "prefix",
          matched: 3 * ENGINE_BLOCK,
          cached: 3 * ENGINE_BLOCK,
        });
      }
    },
  );

  async function complete(
    port: number,
    prompt: readonly number[],
  ): Promise<{ worker: string; reason: string; matched: number; cached: number }> {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-vllm-router-explain": "1" },
      body: JSON.stringify({ model: "tiny-qwen3", prompt, max_tokens: 1, temperature: 0 }),
    });
    const text = await answer.text();
    expect({ status: answer.status, text }).toMatchObject({ status: 200 });
    const { usage } = JSON.parse(text) as {
      usage: { prompt_tokens_details: { cached_tokens: number } | null };
    };
    const header = answer.headers.get("x-vllm-router-decision") ?? "";
    const [, worker = "", reason = "", matched = ""] =
      /place=([^;]+); rank=\d+; reason=(\w+); matched=(\d+)/.exec(header) ?? [];
    return {
      worker,
      reason,
      matched: Number(matched),
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    };
  }

  async function toldBlocks(source: keyof typeof ROUTERS): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${ROUTERS[source]}/metrics`)).text();
    const blocks = metrics.split(`vllm_router_kv_event_blocks{worker="${ENGINE_URL}"} `)[1];
    return blocks === undefined ? 0 : Number.parseInt(blocks, 10);
  }

  /** The engine tells with its first step what became of its warm-up: that all of it was cleared. */
  async function settleWarmUp(): Promise<void> {
    await complete(FILLER, promptOf(99, ENGINE_BLOCK + 12));
    await until("both know of one block", async () => {
      return (await toldBlocks("grpc")) === INDEX_BLOCKS && (await toldBlocks("zmq")) === INDEX_BLOCKS;
    });
  }

  /** Waits until every router has its workers, so many of them less. */
  async function allReady(missing = 0): Promise<void> {
    for (const [port, workers] of [
      [FILLER, 1],
      [ROUTERS.grpc, 2],
      [ROUTERS.zmq, 2],
    ] as const) {
      await until(`${port} has its engines`, async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readiness`);
        const { healthy_workers = 0 } = (await answer.json()) as { healthy_workers?: number };
        return healthy_workers === workers - missing;
      });
    }
  }

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadlineAtMs = Date.now() + START_MS;
    while (!(await condition().catch(() => false))) {
      if (Date.now() > deadlineAtMs) {
        const outputs = [engine, ...others].map((program) => program.output());
        throw new Error(`not in time: ${what}\n${outputs.join("\n\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});
