import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const ENGINES = [19_760, 19_761] as const;
const PORT = 19_762;
const BASE = `http://127.0.0.1:${PORT}`;
/** vLLM's blocks on the CPU. */
const BLOCK = 128;
const CONVERSATIONS = 20;
const START_MS = 600_000;

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
const promptOf = (identity: number, length: number): number[] =>
  Array.from({ length }, (_, position) => 1_000 + ((identity * 7_919 + position * 31) % 100_000));

interface Answer {
  readonly worker: string;
  readonly matched: number;
  readonly cached: number;
}

/** Conversations over two real engines, one of which dies and comes back with nothing. */
describe("twenty conversations over two real engines", () => {
  const engines = new Map<number, RunningProgram>();
  let router: RunningProgram;

  const startEngine = (port: number): void => {
    const events = {
      enable_kv_cache_events: true,
      publisher: "zmq",
      endpoint: `tcp://*:${port + 10}`,
      replay_endpoint: `tcp://*:${port + 20}`,
    };
    engines.set(
      port,
      startProgram("vllm-serve", [
        "tiny-qwen3",
        "--headless",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        ...ENGINE_FLAGS,
        "--kv-events-config",
        JSON.stringify(events),
      ]),
    );
  };

  beforeAll(async () => {
    ENGINES.forEach(startEngine);
    router = startProgram("vllm-router", [
      "--worker-urls",
      ...ENGINES.map(urlOf),
      "--port",
      String(PORT),
      "--prometheus-port",
      "0",
      "--worker-startup-check-interval",
      "1",
      "--health-check-interval-secs",
      "1",
      "--enable-explain",
      "--enable-prompt-tokens-details",
    ]);
    await healthy(2);
  }, START_MS);

  afterAll(async () => {
    for (const program of [router, ...engines.values()]) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGKILL", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  it("lands every second turn where the first ran, with the cached tokens that the engine reports", async () => {
    const firsts = await turns(1, 300);
    expect(new Set(firsts.map(({ worker }) => worker)).size).toBe(2);
    const seconds = await turns(1, 600);
    expect(seconds).toEqual(firsts.map(({ worker }) => ({ worker, matched: 2 * BLOCK, cached: 2 * BLOCK })));
  });

  it(
    "sends nobody to an engine for what it held before it was killed and started again",
    { timeout: START_MS },
    async () => {
      const before = await turns(1, 700);
      const dead = ENGINES[0];
      await engines.get(dead)?.stop("SIGKILL", 10_000);
      await engines.get(dead)?.nothingLeft(30_000);
      await healthy(1);
      startEngine(dead);
      await healthy(2);
      const after = await turns(1, 800);
      for (const [at, answer] of after.entries()) {
        const was = before[at]!;
        // What the living engine holds is still claimed, of the dead one's nothing.
        expect(answer).toEqual(
          was.worker === urlOf(dead)
            ? { worker: answer.worker, matched: 0, cached: 0 }
            : { worker: was.worker, matched: 5 * BLOCK, cached: 5 * BLOCK },
        );
      }
      const firsts = await turns(101, 300);
      expect(new Set(firsts.map(({ worker }) => worker)).size).toBe(2);
      expect(await turns(101, 600)).toEqual(
        firsts.map(({ worker }) => ({ worker, matched: 2 * BLOCK, cached: 2 * BLOCK })),
      );
    },
  );

  /** One turn of every conversation, the first of which has the number `from`. */
  async function turns(from: number, length: number): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let at = 0; at < CONVERSATIONS; at += 1) {
      answers.push(await complete(promptOf(from + at, length)));
    }
    return answers;
  }

  async function complete(prompt: readonly number[]): Promise<Answer> {
    const answer = await fetch(`${BASE}/v1/completions`, {
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
    const [, worker = "", matched = ""] = /place=([^;]+);.*matched=(\d+)/.exec(header) ?? [];
    return { worker, matched: Number(matched), cached: usage.prompt_tokens_details?.cached_tokens ?? 0 };
  }

  async function healthy(workers: number): Promise<void> {
    const deadlineAtMs = Date.now() + START_MS;
    for (;;) {
      const answer = await fetch(`${BASE}/readiness`).catch(() => undefined);
      const body = (await answer?.json().catch(() => undefined)) as { healthy_workers?: number } | undefined;
      if (body?.healthy_workers === workers) {
        return;
      }
      if (Date.now() > deadlineAtMs) {
        throw new Error(
          `not ${workers} healthy engines\n${[router, ...engines.values()].map((program) => program.output()).join("\n\n")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});
