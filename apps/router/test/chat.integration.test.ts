import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { eventually, sseData, sseEvents, startRouter } from "./start-router.ts";

interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly role?: string; readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly choices: readonly {
    readonly index: number;
    readonly message: { readonly content: string };
    readonly finish_reason: string;
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  };
}

const question = {
  messages: [{ role: "user", content: "Tell me about routers." }],
  max_tokens: 24,
  temperature: 0,
};

describe("POST /v1/chat/completions", () => {
  it("gives the same text streamed and collected, and gives everything back", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);

    const collected = await router.post("/v1/chat/completions", question);
    expect(collected.status).toBe(200);
    expect(collected.headers.get("content-type")).toBe("application/json");
    const answer = (await collected.json()) as Answer;
    expect(answer.usage.completion_tokens).toBeGreaterThan(0);

    const streamed = await router.post("/v1/chat/completions", {
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(streamed.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const text = await streamed.text();
    expect(sseData(text).at(-1)).toBe("[DONE]");
    const chunks = sseEvents<Chunk>(text);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
      answer.choices[0]?.message.content,
    );
    expect(chunks.filter((chunk) => chunk.choices[0]?.finish_reason != null)).toHaveLength(1);
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(chunks.at(-1)?.usage?.["completion_tokens"]).toBe(answer.usage.completion_tokens);

    expect(router.router.inFlight()).toBe(0);
    await eventually("no stream is open on the engine", () => engine.openCalls === 0);
  });

  it("answers every sequence of n, each with a finish reason", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = (await (
      await router.post("/v1/chat/completions", { ...question, n: 3, temperature: 1, seed: 7 })
    ).json()) as Answer;
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
    expect(new Set(answer.choices.map((choice) => choice.message.content)).size).toBe(3);
  });

  it("cuts the text at a stop string and says which", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const whole = (await (await router.post("/v1/chat/completions", question)).json()) as Answer;
    const content = whole.choices[0]?.message.content ?? "";
    const stop = content.split(" ").slice(3, 5).join(" ");
    expect(stop.length).toBeGreaterThan(2);
    const cut = (await (await router.post("/v1/chat/completions", { ...question, stop })).json()) as {
      readonly choices: readonly {
        readonly message: { readonly content: string };
        readonly finish_reason: string;
        readonly stop_reason: unknown;
      }[];
    };
    expect(cut.choices[0]).toMatchObject({ finish_reason: "stop", stop_reason: stop });
    expect(cut.choices[0]?.message.content).toBe(content.slice(0, content.indexOf(stop)));
    const text = await (
      await router.post("/v1/chat/completions", { ...question, stop, stream: true })
    ).text();
    expect(
      sseEvents<Chunk>(text)
        .map((chunk) => chunk.choices[0]?.delta.content ?? "")
        .join(""),
    ).toBe(content.slice(0, content.indexOf(stop)));
    expect(router.router.inFlight()).toBe(0);
  });

  it("refuses with vLLM's own words before anything streams", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const refused = await router.post("/v1/chat/completions", { ...question, stream: true, temperature: -1 });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      error: {
        message: "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)",
        type: "BadRequestError",
        param: "temperature",
        code: 400,
      },
    });
    const unknown = await router.post("/v1/chat/completions", { ...question, model: "nope" });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { type: "NotFoundError", param: "model" } });
    expect(engine.requests).toHaveLength(0);
  });

  it("refuses by name what the engine's protocol cannot carry", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    for (const [field, value] of [
      ["bad_words", ["no"]],
      ["allowed_token_ids", [5, 6]],
      ["priority", 1],
      ["cache_salt", "s"],
    ] as const) {
      const refused = await router.post("/v1/chat/completions", { ...question, [field]: value });
      expect(refused.status).toBe(501);
      expect(await refused.json()).toMatchObject({
        error: { type: "NotImplementedError", param: field, code: 501 },
      });
    }
    expect(engine.requests).toHaveLength(0);
    expect(router.router.inFlight()).toBe(0);
  });
});
