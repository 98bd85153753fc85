import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const SIZE = 16;

/** An engine that embeds, as fast as it can. */
function startEmbedder(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ speed: 0, embeddingSize: SIZE, servedModelNames: ["emb"], ...options });
}

function urlOf(simulator: Simulator): string {
  return `http://${simulator.address}`;
}

interface Embeddings {
  readonly id: string;
  readonly model: string;
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
  readonly usage: { readonly prompt_tokens: number };
}

async function embed(router: TestRouter, body: object): Promise<Embeddings> {
  const response = await router.post("/v1/embeddings", { model: "emb", ...body });
  expect(response.status).toBe(200);
  return (await response.json()) as Embeddings;
}

const texts = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `text ${at}`);

describe("/v1/embeddings", () => {
  it("embeds every prompt on the engine, in their order, and counts their tokens", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const inputs = texts(5);
    const whole = await embed(router, { input: inputs });
    expect(whole).toMatchObject({
      object: "list",
      model: "emb",
      id: expect.stringMatching(/^embd-[0-9a-f]{16}$/),
    });
    expect(whole.data.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(whole.data.map(({ embedding }) => embedding.join())).size).toBe(5);
    const tokens = engine.embeddings.slice(-5).reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    expect(whole.usage).toEqual({
      prompt_tokens: tokens,
      total_tokens: tokens,
      completion_tokens: 0,
      prompt_tokens_details: null,
      completion_tokens_details: null,
    });
    for (const [at, input] of inputs.entries()) {
      const alone = await embed(router, { input });
      expect(alone.data[0]?.embedding).toEqual(whole.data[at]?.embedding);
    }
    expect(router.router.inFlight()).toBe(0);
  });

  it("takes token ids, and conversations through the model's template", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    await embed(router, { input: [5, 6, 7] });
    await embed(router, { input: [[5], [6, 7]] });
    expect(engine.embeddings.slice(-3).map(({ tokenIds }) => tokenIds)).toEqual([[5, 6, 7], [5], [6, 7]]);
    const messages = [{ role: "user", content: "Hi" }];
    const batch = await embed(router, { messages: [messages, messages] });
    const inInput = await embed(router, { input: messages });
    expect(batch.data.map(({ embedding }) => embedding)).toEqual([
      inInput.data[0]?.embedding,
      inInput.data[0]?.embedding,
    ]);
  });

  it("serves the official client, which asks for base64", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: "unused", maxRetries: 0 });
    const { data } = await client.embeddings.create({ model: "emb", input: "Hello" });
    const plain = await embed(router, { input: "Hello" });
    expect(data[0]?.embedding).toEqual(plain.data[0]?.embedding);
    await expect(client.embeddings.create({ model: "nope", input: "x" })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    await expect(
      client.embeddings.create({ model: "emb", input: "x", dimensions: 3 }),
    ).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it("sends bytes with what they are in a header", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const body = { model: "emb", input: ["a", "b"], encoding_format: "bytes", embed_dtype: "float16" };
    const response = await router.post("/v1/embeddings", body);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect((await response.bytes()).length).toBe(2 * SIZE * 2);
    expect(JSON.parse(response.headers.get("metadata") ?? "")).toMatchObject({
      model: "emb",
      data: [
        { index: 0, embed_dtype: "float16", endianness: "native", start: 0, end: SIZE * 2, shape: [SIZE] },
        { index: 1, start: SIZE * 2, end: SIZE * 4 },
      ],
    });
  });

  it("keeps a bounded number of calls on engines, however long the list", async () => {
    await using engine = await startEmbedder({ speed: 1, stepMs: 2 });
    await using router = await startRouter([urlOf(engine)]);
    const { data } = await embed(router, { input: texts(200) });
    expect(data.length).toBe(200);
    expect(engine.mostRunningEmbeddings).toBe(64);
    expect(router.router.inFlight()).toBe(0);
  });

  it("spreads the prompts of a request over the workers, and takes those of a dead one to another", async () => {
    await using doomed = await startEmbedder();
    await using healthy = await startEmbedder();
    await using router = await startRouter([urlOf(doomed), urlOf(healthy)], ["--policy", "round_robin"]);
    const expected = await embed(router, { input: texts(8) });
    expect(doomed.embeddings.length).toBeGreaterThan(1);
    doomed.faults.isHanging = true;
    const pending = embed(router, { input: texts(8) });
    await eventually("the hanging engine got its share", () => doomed.runningEmbeddings > 0);
    await doomed.kill();
    expect((await pending).data).toEqual(expected.data);
    expect(router.router.inFlight()).toBe(0);
    const summary = router.logs.findLast((line) => line["route"] === "/v1/embeddings");
    expect(summary).toMatchObject({ status: 200 });
  });

  it("answers 503 when every engine fails, and gives every place back", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter(
      [urlOf(engine)],
      ["--retry-max-retries", "2", "--retry-initial-backoff-ms", "5"],
    );
    engine.faults.errorStatus = "UNAVAILABLE";
    const response = await router.post("/v1/embeddings", { input: texts(100) });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { type: "ServiceUnavailableError", code: 503 } });
    expect(router.router.inFlight()).toBe(0);
  });

  it("gives up the engine's work when the client leaves", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    engine.faults.isHanging = true;
    const client = new AbortController();
    const pending = router.post("/v1/embeddings", { input: texts(3) }, { signal: client.signal });
    await eventually("the engine works", () => engine.runningEmbeddings === 3);
    client.abort();
    await expect(pending).rejects.toThrow("aborted");
    await eventually("the engine was told", () => engine.abortCount === 3);
    await eventually("the places are free", () => router.router.inFlight() === 0);
    expect(engine.runningEmbeddings).toBe(0);
  });

  it("refuses what the engine's protocol has no place for, by name", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const before = engine.embeddings.length;
    for (const [field, value] of [
      ["use_activation", false],
      ["priority", 3],
      ["cache_salt", "x"],
    ] as const) {
      const response = await router.post("/v1/embeddings", { input: "x", [field]: value });
      expect(response.status).toBe(501);
      expect(await response.json()).toMatchObject({ error: { param: field, code: 501 } });
    }
    expect(engine.embeddings.length).toBe(before);
    expect((await router.post("/v1/embeddings", { input: "x", use_activation: true })).status).toBe(200);
  });
});

describe("/score and /rerank", () => {
  it("score by the cosine between embeddings", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const { data } = await embed(router, { input: ["fruit", "apple pie", "fruit"] });
    const [query, document] = data.map(({ embedding }) => embedding);
    const cosine = (query ?? []).reduce((sum, value, at) => sum + value * (document?.[at] ?? 0), 0);
    const before = engine.embeddings.length;
    const response = await router.post("/score", { text_1: "fruit", text_2: ["apple pie", "fruit"] });
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^score-/),
      object: "list",
      model: "emb",
      data: [
        { index: 0, object: "score", score: expect.closeTo(cosine, 5) },
        { index: 1, object: "score", score: expect.closeTo(1, 5) },
      ],
    });
    // The query is embedded once, however many documents there are.
    expect(engine.embeddings.length - before).toBe(3);
    for (const path of ["/rerank", "/v1/rerank", "/v2/rerank"]) {
      const ranked = await router.post(path, { query: "fruit", documents: ["apple pie", "fruit"], top_n: 1 });
      expect(await ranked.json()).toMatchObject({
        model: "emb",
        results: [{ index: 1, document: { text: "fruit", multi_modal: null } }],
      });
    }
  });

  it("cut documents to their first tokens when asked", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const body = { text_1: "fruit", text_2: ["apples and pears and plums"], max_tokens_per_doc: 3 };
    expect((await router.post("/score", body)).status).toBe(200);
    const cut = engine.embeddings.at(-1)?.tokenIds ?? [];
    await embed(router, { input: "apples and pears and plums" });
    const whole = engine.embeddings.at(-1)?.tokenIds ?? [];
    expect(whole.length).toBeGreaterThan(3);
    expect(cut).toEqual(whole.slice(0, 3));
  });
});

describe("/pooling, /v2/embed and /classify", () => {
  it("answer what the Embed call can, and name what it cannot", async () => {
    await using engine = await startEmbedder();
    await using router = await startRouter([urlOf(engine)]);
    const { data } = await embed(router, { input: "Hello" });
    const pooled = await router.post("/pooling", { input: "Hello", task: "embed" });
    expect(await pooled.json()).toMatchObject({
      id: expect.stringMatching(/^pooling-/),
      data: [{ object: "pooling", data: data[0]?.embedding }],
    });
    const perToken = await router.post("/pooling", { input: "Hello", task: "token_embed" });
    expect(perToken.status).toBe(400);
    const cohere = await router.post("/v2/embed", {
      texts: ["Hello"],
      embedding_types: ["ubinary", "float"],
    });
    expect(await cohere.json()).toMatchObject({
      embeddings: { float: [data[0]?.embedding], ubinary: [expect.any(Array)] },
      texts: ["Hello"],
      response_type: "embeddings_by_type",
    });
    const mixed = { inputs: [{ content: [{ type: "text", text: "Hi" }] }] };
    expect((await router.post("/v2/embed", mixed)).status).toBe(200);
    expect((await router.post("/v2/embed", { images: ["data:,"] })).status).toBe(501);
    expect((await router.post("/classify", { input: "Hello" })).status).toBe(404);
  });
});

const NOT_FOUND = { detail: "Not Found" };

describe("the routes of a task", () => {
  it("are absent where the model does not offer it", async () => {
    await using embedder = await startEmbedder();
    await using generator = await startSimulator({ speed: 0, servedModelNames: ["gen"] });
    await using pooling = await startRouter([urlOf(embedder)]);
    await using generating = await startRouter([urlOf(generator)]);
    const missing = async (router: TestRouter, path: string): Promise<void> => {
      const posted = await router.post(path, "{");
      expect([posted.status, await posted.json()]).toEqual([404, NOT_FOUND]);
      const got = await fetch(`${router.url}${path}`);
      expect([got.status, await got.json()]).toEqual([404, NOT_FOUND]);
      expect((await fetch(`${router.url}${path}/`, { method: "POST", redirect: "manual" })).status).toBe(404);
    };
    for (const path of ["/v1/chat/completions", "/v1/completions", "/generative_scoring", "/classify"]) {
      await missing(pooling, path);
    }
    for (const path of ["/v1/embeddings", "/v2/embed", "/score", "/v1/rerank", "/pooling", "/classify"]) {
      await missing(generating, path);
    }
    expect((await fetch(`${pooling.url}/v1/embeddings`)).status).toBe(405);
    const slash = await fetch(`${pooling.url}/score/`, { method: "POST", redirect: "manual" });
    expect(slash.status).toBe(307);
  });

  it("are there by the request's model in a fleet of both kinds", async () => {
    await using embedder = await startEmbedder();
    await using generator = await startSimulator({ speed: 0, servedModelNames: ["gen"] });
    await using router = await startRouter([urlOf(generator), urlOf(embedder)]);
    const chat = { messages: [{ role: "user", content: "Hi" }], max_tokens: 2 };
    const statusOf = async (path: string, body: object): Promise<number> =>
      (await router.post(path, body)).status;
    expect(await statusOf("/v1/embeddings", { model: "emb", input: "x" })).toBe(200);
    expect(await statusOf("/v1/embeddings", { input: "x" })).toBe(200);
    expect(await statusOf("/v1/embeddings", { model: "gen", input: "x" })).toBe(404);
    expect(await statusOf("/v1/chat/completions", { ...chat, model: "gen" })).toBe(200);
    expect(await statusOf("/v1/chat/completions", chat)).toBe(200);
    expect(await statusOf("/v1/chat/completions", { ...chat, model: "emb" })).toBe(404);
    const unknown = await router.post("/v1/embeddings", { model: "nope", input: "x" });
    expect(await unknown.json()).toEqual({
      error: {
        message: "The model `nope` does not exist.",
        type: "NotFoundError",
        param: null,
        code: 404,
      },
    });
  });
});

describe("/invocations", () => {
  it("is whatever its body is, among what the model offers", async () => {
    await using embedder = await startEmbedder();
    await using generator = await startSimulator({ speed: 0, servedModelNames: ["gen"] });
    await using router = await startRouter([urlOf(generator), urlOf(embedder)]);
    const idOf = async (body: object): Promise<string> => {
      const answer = (await (await router.post("/invocations", body)).json()) as { id: string };
      return answer.id.replace(/[0-9a-f]{16}$/, "");
    };
    const messages = [{ role: "user", content: "Hi" }];
    expect(await idOf({ model: "gen", messages, max_tokens: 1 })).toBe("chatcmpl-");
    expect(await idOf({ model: "gen", prompt: "Hi", max_tokens: 1 })).toBe("cmpl-");
    expect(await idOf({ model: "emb", messages })).toBe("embd-");
    expect(await idOf({ model: "emb", input: "Hi" })).toBe("embd-");
    expect(await idOf({ model: "emb", query: "a", documents: ["b"] })).toBe("score-");
    expect(await idOf({ model: "emb", text_1: "a", text_2: "b" })).toBe("score-");
    expect(await idOf({ messages, max_tokens: 1 })).toBe("chatcmpl-");
  });

  it("refuses what is none of them, and what is no JSON, in vLLM's words", async () => {
    await using embedder = await startEmbedder();
    await using router = await startRouter([urlOf(embedder)]);
    const messageOf = async (body: string): Promise<string> => {
      const response = await router.post("/invocations", body);
      expect(response.status).toBe(400);
      return ((await response.json()) as { error: { message: string } }).error.message;
    };
    expect(await messageOf('{"x": 1}')).toMatch(
      /^Cannot find suitable handler for request\. Expected one of: \['typing\.Annotated\[/,
    );
    expect(await messageOf("{")).toContain("JSON decode error: Expecting property name");
    expect(await messageOf('{"input": "x", "normalize": true}')).toContain("`normalize` was removed");
    expect(await messageOf('{"data": 1}')).toContain("No IOProcessor plugin installed");
  });
});

describe("HTTP workers", () => {
  it("get every path of the family as it came", async () => {
    await using worker = await startHttpWorker(["emb"], (request, response, body) => {
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify([request.url, body]));
    });
    await using router = await startRouter([worker.url]);
    for (const path of ["/v1/embeddings", "/v2/embed", "/score", "/rerank", "/pooling", "/classify"]) {
      const body = `{"model": "emb",  "input": [1.0], "of": "${path}"}`;
      expect(await (await router.post(path, body)).json()).toEqual([path, body]);
    }
    expect(await (await fetch(`${router.url}/classify?x=1`)).json()).toEqual(["/classify?x=1", ""]);
  });

  it("take what no gRPC engine can carry, and models that only they serve", async () => {
    await using engine = await startEmbedder();
    await using worker = await startHttpWorker(["emb", "other"], (request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(request.url));
    });
    await using router = await startRouter([urlOf(engine), worker.url]);
    const before = engine.embeddings.length;
    expect((await embed(router, { input: "x" })).data.length).toBe(1);
    expect(engine.embeddings.length).toBe(before + 1);
    for (const body of [
      { model: "emb", input: "x", use_activation: false },
      { model: "other", input: "x" },
    ]) {
      expect(await (await router.post("/v1/embeddings", body)).json()).toBe("/v1/embeddings");
    }
    expect(await (await router.post("/classify", { model: "other", input: "x" })).json()).toBe("/classify");
    expect((await router.post("/classify", { model: "emb", input: "x" })).status).toBe(501);
    expect(engine.embeddings.length).toBe(before + 1);
  });
});
