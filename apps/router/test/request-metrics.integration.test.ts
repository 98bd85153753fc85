import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { sseEvents, startRouter, type TestRouter } from "./start-router.ts";

interface Answer {
  readonly metrics?: Readonly<Record<string, number | null>> | null;
  readonly usage?: unknown;
}

const messages = [{ role: "user", content: "Tell me about tokens." }];

describe("a router with --enable-per-request-metrics", () => {
  let engine: Simulator;
  let router: TestRouter;

  beforeAll(async () => {
    engine = await startSimulator({ stepMs: 2, sequenceMs: 0 });
    router = await startRouter([`http://${engine.address}`], ["--enable-per-request-metrics"]);
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  const answer = async (path: string, body: object): Promise<Answer> =>
    (await (await router.post(path, { max_tokens: 6, ignore_eos: true, ...body })).json()) as Answer;

  it.each([
    ["/v1/chat/completions", { messages }],
    ["/v1/completions", { prompt: "a" }],
    ["/v1/responses", { input: "a", max_output_tokens: 6 }],
  ])("%s says how long a whole answer took", async (path, body) => {
    const { metrics } = await answer(path, body);
    expect(Object.keys(metrics ?? {})).toEqual([
      "time_to_first_token_ms",
      "generation_time_ms",
      "queue_time_ms",
      "mean_itl_ms",
      "tokens_per_second",
      "speculative_decoding",
    ]);
    // The engine was heard token by token.
    expect(metrics?.["generation_time_ms"]).toBeGreaterThan(0);
    expect(metrics?.["tokens_per_second"]).toBeGreaterThan(0);
  });

  it.each([
    ["/v1/chat/completions", { messages, n: 2 }],
    ["/v1/completions", { prompt: ["a", "b"] }],
    ["/v1/chat/completions/batch", { messages: [messages, messages] }],
  ])("%s says nothing for several sequences: %j", async (path, body) => {
    expect((await answer(path, body)).metrics).toBeNull();
  });

  it.each([
    ["/v1/chat/completions", { messages }],
    ["/v1/completions", { prompt: "a" }],
  ])("%s says it in the usage chunk of a stream", async (path, body) => {
    const stream = async (more: object): Promise<readonly Answer[]> =>
      sseEvents(await (await router.post(path, { ...body, max_tokens: 3, stream: true, ...more })).text());
    const chunks = await stream({ stream_options: { include_usage: true } });
    expect(chunks.map((chunk) => "metrics" in chunk)).toEqual([...chunks.slice(1).map(() => false), true]);
    expect(chunks.at(-1)?.metrics).not.toHaveProperty("speculative_decoding");
    expect((await stream({})).some((chunk) => "metrics" in chunk)).toBe(false);
  });
});
