import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { eventually, sseEvents, startRouter, type TestRouter } from "./start-router.ts";

interface Chunk {
  readonly choices: readonly { readonly finish_reason: string | null }[];
}

describe("POST /inference/v1/abort_requests", () => {
  let engine: Simulator;
  let router: TestRouter;
  const messages = [{ role: "user", content: "Tell me about tokens." }];

  beforeEach(async () => {
    // Hours for an answer: nothing but the abort ends it.
    engine = await startSimulator({ stepMs: 1000, sequenceMs: 0 });
    router = await startRouter([`http://${engine.address}`], ["--enable-scale-out"]);
  });

  afterEach(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  const abort = (ids: unknown): Promise<Response> =>
    router.post("/inference/v1/abort_requests", { request_ids: ids });

  const running = (count: number): Promise<void> =>
    eventually(`${count} requests run`, () => engine.requests.length === count);

  const allAborted = (count: number): Promise<void> =>
    eventually("the engine has aborted", () => engine.abortCount === count && engine.runningRequests === 0);

  it("ends a collected answer with what there is, at the engine too", async () => {
    const answer = router.post(
      "/v1/chat/completions",
      { messages, max_tokens: 500, n: 2 },
      { headers: { "x-request-id": "mine" } },
    );
    await running(1);
    const aborted = await abort(["another", "chatcmpl-mine"]);
    expect([aborted.status, await aborted.text()]).toEqual([200, ""]);
    const body = (await (await answer).json()) as Chunk;
    expect(body.choices.map((choice) => choice.finish_reason)).toEqual(["abort", "abort"]);
    await allAborted(1);
    expect(router.router.inFlight()).toBe(0);
  });

  it("ends a stream with a chunk that says so", async () => {
    const answer = await router.post(
      "/v1/chat/completions",
      { messages, max_tokens: 500, stream: true },
      { headers: { "x-request-id": "mine" } },
    );
    await abort(["chatcmpl-mine"]);
    const text = await answer.text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(sseEvents<Chunk>(text).at(-1)?.choices[0]?.finish_reason).toBe("abort");
    await allAborted(1);
  });

  it("ends one prompt of several", async () => {
    const answer = router.post(
      "/v1/completions",
      { prompt: ["a", "b"], max_tokens: 500, ignore_eos: true },
      { headers: { "x-request-id": "mine" } },
    );
    await running(2);
    await abort(["cmpl-mine-1"]);
    await eventually("one has been aborted", () => engine.abortCount === 1);
    expect(engine.runningRequests).toBe(1);
    await abort("cmpl-mine-0");
    const body = (await (await answer).json()) as Chunk;
    expect(body.choices.map((choice) => choice.finish_reason)).toEqual(["abort", "abort"]);
  });

  it.each([
    [{}, 400, "Missing 'request_ids' in request body"],
    [[1], 500, "'list' object has no attribute 'get'"],
  ])("answers %j in vLLM's words", async (body, status, message) => {
    const refused = await router.post("/inference/v1/abort_requests", body);
    expect([refused.status, await refused.json()]).toMatchObject([status, { error: { message } }]);
  });

  it.each([{ request_ids: [] }, { request_ids: 5 }, { request_ids: [null] }])(
    "is content with %j",
    async (body) => {
      expect((await router.post("/inference/v1/abort_requests", body)).status).toBe(200);
    },
  );

  it("tells where the body is no JSON, whatever its type", async () => {
    const refused = await fetch(`${router.url}/inference/v1/abort_requests`, {
      method: "POST",
      body: '{"a":\n',
    });
    expect(await refused.json()).toMatchObject({
      error: { message: "JSON decode error: Expecting value: line 2 column 1 (char 6)", type: "Bad Request" },
    });
  });
});
