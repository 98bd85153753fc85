import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const PROMPT = "Once upon a time";
const MESSAGES = [{ role: "user", content: "Tell me a story" }];

/** Bodies that both dialects have to answer alike. */
const BODIES: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ["a completion", "/v1/completions", { prompt: PROMPT }],
  ["a chat", "/v1/chat/completions", { messages: MESSAGES }],
  ["a batch of chats", "/v1/chat/completions/batch", { messages: [MESSAGES, MESSAGES] }],
  ["several prompts", "/v1/completions", { prompt: ["One", "Two", "Three"] }],
  ["token ids", "/v1/completions", { prompt: [5, 6, 7], return_token_ids: true }],
  ["several sequences", "/v1/completions", { prompt: PROMPT, n: 3, temperature: 1, seed: 7 }],
  ["logprobs", "/v1/completions", { prompt: PROMPT, logprobs: 3 }],
  ["logprobs of the sampled tokens alone", "/v1/completions", { prompt: PROMPT, logprobs: 0 }],
  ["logprobs of a chat", "/v1/chat/completions", { messages: MESSAGES, logprobs: true, top_logprobs: 2 }],
  ["an echo with logprobs", "/v1/completions", { prompt: PROMPT, echo: true, logprobs: 1 }],
  ["a stop string", "/v1/completions", { prompt: PROMPT, stop: [" the", "e"], max_tokens: 60 }],
  ["a biased token", "/v1/completions", { prompt: PROMPT, logit_bias: { "300": 100 } }],
  ["a stop token", "/v1/completions", { prompt: PROMPT, logit_bias: { "300": 100 }, stop_token_ids: [300] }],
  ["the end of sequence ignored", "/v1/completions", { prompt: PROMPT, ignore_eos: true, max_tokens: 40 }],
  ["a choice", "/v1/completions", { prompt: PROMPT, structured_outputs: { choice: ["yes"] } }],
  ["a schema", "/v1/completions", { prompt: PROMPT, structured_outputs: { json: { type: "object" } } }],
  ["beams", "/v1/completions", { prompt: PROMPT, use_beam_search: true, n: 2, max_tokens: 4 }],
  [
    "a repetition",
    "/v1/completions",
    {
      prompt: PROMPT,
      logit_bias: { "300": 100 },
      repetition_detection: { max_pattern_size: 1, min_count: 3 },
    },
  ],
];

/** Without what is random or a time. */
function comparable(text: string): string {
  return text
    .replaceAll(/"(id)":"[^"]+"/g, '"$1":""')
    .replaceAll(/"created":\d+/g, '"created":0')
    .replaceAll(/"rank":(\d+|null)/g, '"rank":0');
}

/** Chunks in the order of their choices: those of different calls come as they come. */
function byChoice(text: string): readonly string[] {
  const index = (event: string): number => Number(/"index":(\d+)/.exec(event)?.[1] ?? -1);
  return text.split("\n\n").toSorted((left, right) => index(left) - index(right));
}

describe("vllm.Inference workers", () => {
  let engines: readonly Simulator[] = [];
  let routers: readonly TestRouter[] = [];

  beforeAll(async () => {
    engines = await Promise.all([
      startSimulator({ speed: 0 }),
      startSimulator({ speed: 0, protocol: "vllm-inference" }),
    ]);
    routers = await Promise.all(engines.map((engine) => startRouter([`http://${engine.address}`])));
  });

  afterAll(async () => {
    await Promise.all([...routers, ...engines].map(async (each) => each[Symbol.asyncDispose]()));
  });

  describe.each([false, true])("streamed: %s", (stream) => {
    it.each(
      BODIES.filter(([, path, body]) => !stream || !(path.endsWith("batch") || "use_beam_search" in body)),
    )("answer %s as VllmEngine workers do", async (_what, path, body) => {
      const given = { temperature: 0, max_tokens: 12, ...body, stream };
      const [engine = [], inference = []] = await Promise.all(
        routers.map(async (router) => {
          const answer = await router.post(path, given);
          return [String(answer.status), ...byChoice(comparable(await answer.text()))];
        }),
      );
      expect(engine[0]).toBe("200");
      expect(inference).toEqual(engine);
    });
  });

  it("report ranks of prompt tokens", async () => {
    const body = { prompt: [5, 6, 7], max_tokens: 1, prompt_logprobs: 1 };
    const answer = (await (await routers[1]?.post("/v1/completions", body))?.json()) as {
      readonly choices: readonly { readonly prompt_logprobs: readonly unknown[] }[];
    };
    expect(answer.choices[0]?.prompt_logprobs[1]).toMatchObject({
      "6": { rank: expect.any(Number) as number },
    });
  });

  it("get the fields that VllmEngine has no place for", async () => {
    const [, engine] = engines;
    const answer = await routers[1]?.post(
      "/v1/completions",
      {
        prompt: PROMPT,
        max_tokens: 2,
        cache_salt: "salt",
        allowed_token_ids: [300],
        seed: 2 ** 40,
        session_id: "conversation",
      },
      { headers: { "x-vllm-priority": "7" } },
    );
    expect(answer?.status).toBe(200);
    expect(engine?.requests.at(-1)?.inference).toMatchObject({
      priority: 7,
      sessionId: "conversation",
      kv: { cacheSalt: "salt" },
      decoding: { allowedTokenIds: [300] },
      sampling: { seed: BigInt(2 ** 40) },
    });
  });

  it("hear of a client that leaves at once", async () => {
    await using engine = await startSimulator({ speed: 0.05, protocol: "vllm-inference" });
    await using router = await startRouter([`http://${engine.address}`]);
    const leaving = new AbortController();
    const answer = await router.post(
      "/v1/completions",
      { prompt: PROMPT, max_tokens: 1000, ignore_eos: true, stream: true },
      { signal: leaving.signal },
    );
    await answer.body?.getReader().read();
    leaving.abort();
    await eventually("the engine is idle", () => engine.runningRequests === 0);
    expect(router.router.inFlight()).toBe(0);
  });

  it("share a model with VllmEngine workers, and take over from them", async () => {
    const [first] = engines;
    await using second = await startSimulator({ speed: 0, protocol: "vllm-inference" });
    await using dying = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${second.address}`, `http://${dying.address}`],
      ["--policy", "round_robin"],
    );
    await dying.kill();
    for (let at = 0; at < 4; at++) {
      const answer = await router.post("/v1/completions", { prompt: PROMPT, max_tokens: 3 });
      expect(answer.status).toBe(200);
    }
    expect(second.requests).toHaveLength(4);
    expect(first?.servedModelNames).toEqual(second.servedModelNames);
  });
});
