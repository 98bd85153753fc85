import OpenAI, {
  APIError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const messages = [{ role: "user" as const, content: "Tell me about clients." }];

describe("the official openai client", () => {
  let engine: Simulator;
  let router: TestRouter;
  let client: OpenAI;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    router = await startRouter(
      [`http://${engine.address}`],
      ["--max-concurrent-requests", "2", "--queue-size", "0", "--disable-retries"],
    );
    client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: "unused", maxRetries: 0 });
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  it("chats", async () => {
    const answer = await client.chat.completions.create({
      model: "sim",
      messages,
      max_tokens: 16,
      temperature: 0,
    });
    expect(answer.object).toBe("chat.completion");
    expect(answer.choices[0]?.message.role).toBe("assistant");
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);

    const stream = await client.chat.completions.create({
      model: "sim",
      messages,
      max_tokens: 16,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(answer.choices[0]?.message.content);
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage ?? {};
    expect(usage).toEqual({ prompt_tokens, completion_tokens, total_tokens });
  });

  it("completes, for every prompt of a list", async () => {
    const body = { model: "sim", prompt: ["one", "two"], n: 2, max_tokens: 6, temperature: 1, seed: 5 };
    const answer = await client.completions.create(body);
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const texts = ["", "", "", ""];
    for await (const chunk of await client.completions.create({ ...body, stream: true })) {
      for (const choice of chunk.choices) {
        texts[choice.index] += choice.text;
      }
    }
    expect(texts).toEqual(answer.choices.map(({ text }) => text));
  });

  it("lists models", async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) {
      ids.push(model.id);
    }
    expect(ids).toEqual(["sim"]);
  });

  const failing = (extra: object): Promise<unknown> =>
    client.chat.completions.create({ model: "sim", messages, max_tokens: 4, ...extra }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it("gets its typed errors", async () => {
    const bad = await failing({ temperature: -1 });
    expect(bad).toBeInstanceOf(BadRequestError);
    expect(bad).toMatchObject({ status: 400, param: "temperature", type: "BadRequestError" });

    const unknown = await failing({ model: "nope" });
    expect(unknown).toBeInstanceOf(NotFoundError);
    expect(unknown).toMatchObject({ status: 404, param: "model", type: "NotFoundError" });

    const uncarried = await failing({ bad_words: ["no"] });
    expect(uncarried).toBeInstanceOf(InternalServerError);
    expect(uncarried).toMatchObject({ status: 501, param: "bad_words", type: "NotImplementedError" });
  });

  it("is told that there is too much to do", async () => {
    engine.faults.isHanging = true;
    const running = [failing({}), failing({})];
    await eventually("both run", () => engine.runningRequests === 2);
    const refused = await failing({});
    expect(refused).toBeInstanceOf(RateLimitError);
    expect(refused).toMatchObject({ status: 429, type: "TooManyRequestsError" });
    engine.faults.isHanging = false;
    expect(await Promise.all(running)).toEqual([undefined, undefined]);
  });

  it("is told that an engine is out of order, also in the middle of a stream", async () => {
    engine.faults.errorStatus = "UNAVAILABLE";
    const failed = await failing({});
    engine.faults.errorStatus = undefined;
    expect(failed).toMatchObject({ status: 503, type: "ServiceUnavailableError" });

    engine.faults.dropStreamAfterTokens = 2;
    const stream = await client.chat.completions.create({ model: "sim", messages, stream: true });
    const read = async (): Promise<void> => {
      for await (const chunk of stream) {
        expect(chunk.object).toBe("chat.completion.chunk");
      }
    };
    await expect(read()).rejects.toThrow(APIError);
    engine.faults.dropStreamAfterTokens = undefined;
  });
});
