import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";
import { checkTranscripts } from "../harness/transcript-check.ts";
import { uncarriedFields } from "../harness/uncarried-fields.ts";

const PORT = 18_340;
const EVENTS = 18_345;
const BASE = `http://127.0.0.1:${PORT}`;

describe("vllm-serve tiny-qwen3 --enable-router-as-api-server --engine vllm-rs", () => {
  let program: RunningProgram;

  beforeAll(async () => {
    program = startProgram("vllm-serve", [
      "tiny-qwen3",
      "--enable-router-as-api-server",
      "--engine",
      "vllm-rs",
      "--host",
      "127.0.0.1",
      "--port",
      String(PORT),
      "--router-prometheus-port",
      "0",
      ...ENGINE_FLAGS,
      "--kv-events-config",
      JSON.stringify({
        enable_kv_cache_events: true,
        publisher: "zmq",
        endpoint: `tcp://*:${EVENTS}`,
        replay_endpoint: `tcp://127.0.0.1:${EVENTS + 1}`,
      }),
    ]);
    await program.ready(`${BASE}/health`, 300_000);
  });

  afterAll(async () => {
    if (program.child.exitCode === null && program.child.signalCode === null) {
      await program.stop("SIGKILL", 30_000);
    }
    await program.nothingLeft(60_000);
  });

  it("answers the recorded cases as vLLM's own server did, ranks included", async () => {
    const result = await checkTranscripts({
      baseUrl: BASE,
      model: "tiny-qwen3",
      groups: ["comp-*", "tokenize", "beam-search", "text-*"],
      uncarriedFields: uncarriedFields("vllm-inference"),
    });
    console.log(
      `vllm.Inference: ${result.equal} equal, ${result.chunking} chunking, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    console.log([...result.wording, ...result.listed].join("\n"));
    expect(result.different).toEqual([]);
    expect(result.listed.filter((line) => line.includes("(rank)"))).toEqual([]);
    expect(result.equal).toBeGreaterThan(250);
  });

  it("constrains from the first token: the engine was started without a reasoning parser", async () => {
    const response = await fetch(`${BASE}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "tiny-qwen3",
        messages: [{ role: "user", content: "Yes or no?" }],
        structured_outputs: { choice: ["yes", "no"] },
        max_tokens: 20,
      }),
    });
    const { choices } = (await response.json()) as { choices: { message: Record<string, unknown> }[] };
    const { content, reasoning } = choices[0]?.message ?? {};
    expect(["yes", "no"]).toContain(content ?? reasoning);
  });

  it("says by GetKvEventSources where its KV events are, and they come", async () => {
    const told = async (): Promise<number> => {
      const text = await (await fetch(`${BASE}/metrics`)).text();
      return Number(/^vllm_router_kv_event_blocks\{[^}]*\} (\d+)$/m.exec(text)?.[1]);
    };
    const before = await told();
    const prompt = Array.from({ length: 400 }, (_, position) => 70_000 + position);
    const response = await fetch(`${BASE}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "tiny-qwen3", prompt, max_tokens: 1 }),
    });
    expect(response.status).toBe(200);
    // Three blocks of 128 tokens, eight of the index's each.
    await expect.poll(told, { timeout: 10_000 }).toBe(before + 24);
  });

  it("leaves no process when it is told to stop", async () => {
    expect(await program.stop("SIGTERM", 60_000)).toBe(0);
    await program.nothingLeft(30_000);
    expect(program.left()).toEqual([]);
  });
});
