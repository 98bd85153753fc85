import Anthropic, { BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Tell me about messages." }];
const question = { model: "sim", messages, max_tokens: 16 };

describe("POST /v1/messages", () => {
  let engine: Simulator;
  let router: TestRouter;
  let client: Anthropic;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    router = await startRouter([`http://${engine.address}`]);
    client = new Anthropic({ baseURL: router.url, apiKey: "unused", maxRetries: 0 });
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  it("serves the official client, whole and streamed, and gives everything back", async () => {
    const whole = await client.messages.create(question);
    expect(whole).toMatchObject({ type: "message", role: "assistant", model: "sim" });
    const [block] = whole.content;
    const text = block?.type === "text" ? block.text : "";
    expect(text).not.toBe("");

    const streamed = await client.messages.stream(question).finalMessage();
    expect(streamed.content).toEqual([{ type: "text", text }]);
    expect(streamed.stop_reason).toBe(whole.stop_reason);
    expect(streamed.usage).toMatchObject(whole.usage);
    expect(router.router.inFlight()).toBe(0);
    await eventually("no stream is open on the engine", () => engine.openCalls === 0);
  });

  it("counts tokens as a request of the same messages does", async () => {
    const { input_tokens } = await client.messages.countTokens({
      model: "sim",
      messages,
      system: "Be brief.",
    });
    const whole = await client.messages.create({ ...question, system: "Be brief." });
    expect(whole.usage.input_tokens).toBe(input_tokens);
  });

  it("says at which stop sequence it ended", async () => {
    const whole = await client.messages.create(question);
    const [block] = whole.content;
    const text = block?.type === "text" ? block.text : "";
    const stop = text.split(" ").slice(2, 4).join(" ");
    const cut = await client.messages.create({ ...question, stop_sequences: [stop] });
    expect(cut).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: stop });
  });

  it("refuses as the client's typed errors, in Anthropic's shape", async () => {
    await expect(client.messages.create({ ...question, model: "nope" })).rejects.toBeInstanceOf(
      NotFoundError,
    );
    await expect(client.messages.create({ ...question, max_tokens: 0 })).rejects.toBeInstanceOf(
      BadRequestError,
    );
    const refused = await router.post("/v1/messages", { ...question, stream: true, temperature: -1 });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      type: "error",
      error: {
        type: "BadRequestError",
        message: "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)",
      },
    });
  });

  it("refuses bodies that are none in OpenAI's shape, as vLLM", async () => {
    const refused = await router.post("/v1/messages", { ...question, max_tokens: 0 });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { type: "Bad Request", param: "body.max_tokens" } });
    const uncounted = await router.post("/v1/messages/count_tokens", { model: "sim", messages: [] });
    expect(await uncounted.json()).toMatchObject({ type: "error", error: { type: "BadRequestError" } });
  });

  it("refuses by name what no engine here can carry", async () => {
    const refused = await router.post("/v1/messages", { ...question, cache_salt: "s" });
    expect(refused.status).toBe(501);
    expect(await refused.json()).toMatchObject({ type: "error", error: { type: "NotImplementedError" } });
  });
});
