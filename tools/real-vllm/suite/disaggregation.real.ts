import { afterAll, beforeAll, describe, expect, it } from "vitest";
import OpenAI from "openai";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const PREFILL_PORT = 18_381;
const DECODE_PORT = 18_382;
const PORT = 18_380;
const BASE = `http://127.0.0.1:${PORT}`;
const START_MS = 360_000;
const PROMPT = "A long story about a router and the engines behind it, told slowly. ".repeat(20);
const KV_TRANSFER = JSON.stringify({
  kv_connector: "NixlConnector",
  kv_role: "kv_both",
  kv_buffer_device: "cpu",
});

describe("prefill and decode on two real engines with NixlConnector", () => {
  let prefill: RunningProgram;
  let decode: RunningProgram;
  let router: RunningProgram;
  const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });

  beforeAll(async () => {
    prefill = startEngine(PREFILL_PORT, 18_391);
    decode = startEngine(DECODE_PORT, 18_392);
    router = startProgram("vllm-router", [
      "--vllm-pd-disaggregation",
      "--prefill",
      `grpc://127.0.0.1:${PREFILL_PORT}`,
      "--decode",
      `grpc://127.0.0.1:${DECODE_PORT}`,
      "--kv-connector",
      "nixl",
      "--port",
      String(PORT),
      "--prometheus-port",
      "0",
      "--worker-startup-check-interval",
      "1",
      "--enable-prompt-tokens-details",
    ]);
    await router.ready(`${BASE}/health`, START_MS);
  }, START_MS);

  afterAll(async () => {
    for (const program of [router, prefill, decode]) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGKILL", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  function complete(prompt: string, extra: object = {}): Promise<OpenAI.Completion> {
    const asked = { model: "tiny-qwen3", prompt, max_tokens: 24, temperature: 0, ...extra };
    return client.completions.create({ ...asked, stream: false });
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${BASE}/metrics`)).text();
    return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)$`, "gm"))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  }

  it("hands the prompt's blocks over", async () => {
    const answer = await complete(PROMPT);
    const divided = answer.choices[0]?.text ?? "";
    expect(answer.usage?.completion_tokens).toBe(24);
    expect(await metric("vllm_router_pd_prefill_requests_total")).toBe(1);
    expect(await metric("vllm_router_pd_fallbacks_total")).toBe(0);
    // Prompt logprobs are not handed over, and an engine that is asked for them computes the whole prompt.
    const local = await complete(PROMPT, { prompt_logprobs: 0 });
    expect(local.choices[0]?.text).toBe(divided);
    expect(await metric("vllm_router_pd_prefill_requests_total")).toBe(1);
  });

  it("streams over both engines", async () => {
    const stream = await client.chat.completions.create({
      model: "tiny-qwen3",
      messages: [{ role: "user", content: `Another one. ${PROMPT}` }],
      max_tokens: 16,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let tokens = 0;
    for await (const chunk of stream) {
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expect(tokens).toBe(16);
    expect(await metric("vllm_router_pd_prefill_requests_total")).toBe(2);
  });

  it("answers the next requests when the prefill engine is killed", async () => {
    await prefill.stop("SIGKILL", 10_000);
    await prefill.nothingLeft(30_000);
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, at) => complete(`${at} of them. ${PROMPT}`)),
    );
    expect(answers.map(({ usage }) => usage?.completion_tokens)).toEqual([24, 24, 24, 24]);
  });
});

function startEngine(port: number, sideChannelPort: number): RunningProgram {
  return startProgram(
    "vllm-serve",
    [
      "tiny-qwen3",
      "--headless",
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      ...ENGINE_FLAGS,
      "--kv-transfer-config",
      KV_TRANSFER,
    ],
    {
      UCX_TLS: "tcp,self,sm",
      UCX_NET_DEVICES: "lo",
      VLLM_NIXL_SIDE_CHANNEL_HOST: "127.0.0.1",
      VLLM_NIXL_SIDE_CHANNEL_PORT: String(sideChannelPort),
    },
  );
}
