import { type Simulator, startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { TestClient } from "./engine-client.ts";

const start = (options: Parameters<typeof startSimulator>[0] = {}): Promise<Simulator> =>
  startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim", "alias"], ...options });

function post(simulator: Simulator, path: string, body: object): Promise<Response> {
  return fetch(`http://${simulator.httpAddress}${path}`, postOf(body));
}

function postOf(body: object): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function events(response: Response): Promise<unknown[]> {
  const lines = (await response.text()).split("\n\n").filter(Boolean);
  return lines.map((line) => (line === "data: [DONE]" ? "[DONE]" : JSON.parse(line.replace(/^data: /, ""))));
}

interface ChatChunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
}

const chat = {
  model: "sim",
  messages: [{ role: "user", content: "Tell me about the river." }],
  temperature: 0,
};

describe("the HTTP face", () => {
  it("answers a chat with the text that the tokens of the gRPC side decode to", async () => {
    await using simulator = await start();
    const response = await post(simulator, "/v1/chat/completions", { ...chat, return_token_ids: true });
    const body = (await response.json()) as {
      model: string;
      prompt_token_ids: number[];
      choices: { message: { content: string }; finish_reason: string; token_ids: number[] }[];
      usage: object;
    };
    expect(response.status).toBe(200);
    expect(body.model).toBe("sim");
    expect(body.choices[0]?.finish_reason).toBe("stop");
    expect(body.choices[0]?.message.content).toMatch(/^[A-Z].*[.!?]\n*$/s);
    using client = new TestClient(simulator);
    const { outputs } = await client.run({ ids: body.prompt_token_ids });
    expect(outputs[0]).toEqual(body.choices[0]?.token_ids);
  });

  it("streams the same text in a chunk per token", async () => {
    await using simulator = await start();
    const whole = (await (await post(simulator, "/v1/chat/completions", chat)).json()) as {
      choices: { message: { content: string } }[];
    };
    const stream = await post(simulator, "/v1/chat/completions", { ...chat, stream: true });
    expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const received = await events(stream);
    expect(received.at(-1)).toBe("[DONE]");
    const chunks = received.slice(0, -1) as ChatChunk[];
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  });

  it("completes lists of prompts with several sequences, logprobs, and a stop string that it cuts", async () => {
    await using simulator = await start();
    const response = await post(simulator, "/v1/completions", {
      prompt: ["The harbour", "When the wind"],
      n: 2,
      temperature: 1,
      seed: 4,
      max_tokens: 40,
      logprobs: 2,
      stop: ["e"],
    });
    const body = (await response.json()) as {
      choices: {
        index: number;
        text: string;
        stop_reason: string;
        logprobs: { tokens: string[]; top_logprobs: object[] };
      }[];
    };
    expect(body.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(body.choices.every(({ text, stop_reason: reason }) => !text.includes("e") && reason === "e")).toBe(
      true,
    );
    expect(Object.keys(body.choices[0]?.logprobs.top_logprobs[0] ?? {})).toHaveLength(2);
  });

  it("answers the questions a router asks a worker", async () => {
    await using simulator = await start();
    const get = (path: string): Promise<Response> => fetch(`http://${simulator.httpAddress}${path}`);
    expect((await get("/health")).status).toBe(200);
    const models = (await (await get("/v1/models")).json()) as {
      data: { id: string; max_model_len: number }[];
    };
    expect(models.data.map(({ id }) => id)).toEqual(["sim", "alias"]);
    expect(await (await get("/version")).json()).toEqual({ version: "0.32.0" });
    await post(simulator, "/v1/completions", { prompt: "The", max_tokens: 3 });
    const metrics = await (await get("/metrics")).text();
    expect(metrics).toContain('vllm:generation_tokens_total{engine="0",model_name="sim"} 3\n');
    expect((await get("/nothing")).status).toBe(404);
    expect((await get("/v1/completions")).status).toBe(405);
  });

  it("tells cached tokens when asked to at the start", async () => {
    await using simulator = await start({ promptTokensDetails: true });
    const body = { prompt: Array.from({ length: 40 }, (_, id) => id), max_tokens: 1 };
    await post(simulator, "/v1/completions", body);
    const answer = (await (await post(simulator, "/v1/completions", body)).json()) as { usage: object };
    expect(answer.usage).toMatchObject({ prompt_tokens_details: { cached_tokens: 32 } });
  });

  it("tokenises and back", async () => {
    await using simulator = await start();
    const tokens = (await (await post(simulator, "/tokenize", { prompt: "The river" })).json()) as {
      count: number;
      tokens: number[];
    };
    expect(tokens.count).toBe(2);
    const back = await post(simulator, "/detokenize", { tokens: tokens.tokens });
    expect(await back.json()).toEqual({ prompt: "The river" });
    const rendered = await post(simulator, "/tokenize", { messages: chat.messages });
    const { tokens: prompt } = (await rendered.json()) as { tokens: number[] };
    expect(await (await post(simulator, "/detokenize", { tokens: prompt })).json()).toEqual({
      prompt: "<|im_start|>user\nTell me about the river.<|im_end|>\n<|im_start|>assistant\n",
    });
  });

  it.each([
    {
      what: "an unknown model",
      change: { model: "other" },
      status: 404,
      text: "The model `other` does not exist.",
    },
    { what: "a broken field", change: { top_p: 2 }, status: 400, text: "top_p must be in (0, 1], got 2.0." },
    { what: "a field it does not do", change: { bad_words: ["x"] }, status: 501, text: "bad_words" },
    {
      what: "tools",
      change: { tools: [{ type: "function", function: { name: "f" } }] },
      status: 501,
      text: "tools",
    },
  ])("refuses $what", async ({ change, status, text }) => {
    await using simulator = await start();
    const response = await post(simulator, "/v1/chat/completions", { ...chat, ...change });
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(text)]);
  });

  it("ends the work of a client that goes away", async () => {
    await using simulator = await start({ speed: 1, stepMs: 1 });
    const controller = new AbortController();
    const body = { ...chat, stream: true, max_tokens: 5000, ignore_eos: true };
    const url = `http://${simulator.httpAddress}/v1/chat/completions`;
    const response = await fetch(url, { ...postOf(body), signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(0);
    expect(simulator.abortCount).toBe(1);
  });

  it("cuts a stream, refuses, and turns unhealthy when told to", async () => {
    await using simulator = await start({ faults: { dropStreamAfterTokens: 3 } });
    const stream = await post(simulator, "/v1/chat/completions", { ...chat, stream: true });
    await expect(stream.text()).rejects.toThrow("terminated");
    simulator.faults.errorStatus = "UNAVAILABLE";
    expect((await post(simulator, "/v1/chat/completions", chat)).status).toBe(503);
    expect(simulator.runningRequests).toBe(0);
  });
});
