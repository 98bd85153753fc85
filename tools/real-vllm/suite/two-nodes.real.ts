import { afterAll, beforeAll, describe, expect, it } from "vitest";
import OpenAI from "openai";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const ENGINE_PORTS = [18_331, 18_332] as const;
const PORT = 18_330;
const BASE = `http://127.0.0.1:${PORT}`;

describe("vllm-router in front of two vllm-serve --headless", () => {
  const engines: RunningProgram[] = [];
  let router: RunningProgram;

  beforeAll(async () => {
    for (const port of ENGINE_PORTS) {
      engines.push(
        startProgram("vllm-serve", [
          "tiny-qwen3",
          "--headless",
          "--host",
          "127.0.0.1",
          "--port",
          String(port),
          ...ENGINE_FLAGS,
        ]),
      );
    }
    router = startProgram("vllm-router", [
      "--worker-urls",
      ...ENGINE_PORTS.map((port) => `http://127.0.0.1:${port}`),
      "--policy",
      "cache_aware",
      "--port",
      String(PORT),
      "--prometheus-port",
      "0",
      "--worker-startup-check-interval",
      "1",
    ]);
    await router.ready(`${BASE}/health`, 360_000);
    await allWorkersReady(360_000);
  });

  afterAll(async () => {
    for (const program of [router, ...engines]) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGKILL", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  it("serves completions and chats over both engines", async () => {
    const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        client.completions.create({
          model: "tiny-qwen3",
          prompt: `Prompt number ${at}: tell me`,
          max_tokens: 16,
          temperature: 0,
        }),
      ),
    );
    expect(answers.map((answer) => answer.usage?.completion_tokens)).toEqual(
      Array.from({ length: 12 }, () => 16),
    );
    const used = await workersUsed();
    expect(used).toHaveLength(2);
  });

  it("gives the same text on either engine", async () => {
    const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
    const ask = async (): Promise<string | undefined> =>
      (
        await client.completions.create({
          model: "tiny-qwen3",
          prompt: "The same prompt",
          max_tokens: 12,
          temperature: 0,
        })
      ).choices[0]?.text;
    const texts = new Set(await Promise.all([ask(), ask(), ask(), ask()]));
    expect(texts.size).toBe(1);
  });

  it("answers the next requests when one engine is killed", async () => {
    const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
    await engines[0]?.stop("SIGKILL", 10_000);
    await engines[0]?.nothingLeft(30_000);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        client.completions.create({
          model: "tiny-qwen3",
          prompt: `After the death ${at}`,
          max_tokens: 8,
          temperature: 0,
        }),
      ),
    );
    expect(answers.every((answer) => answer.usage?.completion_tokens === 8)).toBe(true);
    expect((await fetch(`${BASE}/readiness`)).status).toBe(200);
  });

  it("ends on SIGTERM and leaves nothing", async () => {
    expect(await router.stop("SIGTERM", 60_000)).toBe(0);
    await router.nothingLeft(10_000);
    await engines[1]?.stop("SIGTERM", 90_000);
    await engines[1]?.nothingLeft(30_000);
    expect([...router.left(), ...engines.flatMap((engine) => engine.left())]).toEqual([]);
  });

  async function allWorkersReady(timeoutMs: number): Promise<void> {
    const deadlineAtMs = Date.now() + timeoutMs;
    while (Date.now() < deadlineAtMs) {
      const body = (await (await fetch(`${BASE}/readiness`)).json()) as { healthy_workers?: number };
      if (body.healthy_workers === ENGINE_PORTS.length) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(
      `not all engines became ready\n${router.output()}\n${engines.map((engine) => engine.output()).join("\n")}`,
    );
  }

  async function workersUsed(): Promise<readonly string[]> {
    const text = await (await fetch(`${BASE}/metrics`)).text();
    return [...text.matchAll(/^vllm_router_processed_requests_total\{worker="([^"]+)"\} ([1-9]\d*)$/gm)].map(
      (match) => match[1] ?? "",
    );
  }
});
