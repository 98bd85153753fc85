import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const question = { model: "sim", input: "Tell me about responses.", max_output_tokens: 16, temperature: 0 };

interface Served extends AsyncDisposable {
  readonly engine: Simulator;
  readonly router: TestRouter;
  readonly client: OpenAI;
}

async function serve(flags: readonly string[] = [], speed = 0): Promise<Served> {
  const engine = await startSimulator({ speed, servedModelNames: ["sim"] });
  const router = await startRouter([`http://${engine.address}`], flags);
  const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: "unused", maxRetries: 0 });
  return {
    engine,
    router,
    client,
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

describe("POST /v1/responses", () => {
  let served: Served;

  beforeAll(async () => {
    served = await serve();
  });

  afterAll(async () => {
    await served[Symbol.asyncDispose]();
  });

  it("serves the official client, whole and streamed, and gives everything back", async () => {
    const { client, router, engine } = served;
    const whole = await client.responses.create(question);
    expect(whole).toMatchObject({ object: "response", model: "sim", status: "incomplete", temperature: 0 });
    expect(whole.output_text).not.toBe("");

    const types: string[] = [];
    let text = "";
    let last: OpenAI.Responses.Response | undefined;
    const numbers: number[] = [];
    for await (const event of await client.responses.create({ ...question, stream: true })) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") {
        text += event.delta;
      }
      if (event.type === "response.completed") {
        last = event.response;
      }
    }
    expect(text).toBe(whole.output_text);
    expect(types.slice(0, 4)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
    ]);
    expect(types.at(-1)).toBe("response.completed");
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(last?.usage).toEqual(whole.usage);
    expect(router.router.inFlight()).toBe(0);
    await eventually("no stream is open on the engine", () => engine.openCalls === 0);
  });

  it("keeps nothing: neither ids nor the background are known, as with vLLM without its store", async () => {
    const { client, router } = served;
    const whole = await client.responses.create(question);
    await expect(client.responses.retrieve(whole.id)).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.responses.cancel(whole.id)).rejects.toBeInstanceOf(NotFoundError);
    await expect(
      client.responses.create({ ...question, previous_response_id: whole.id }),
    ).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.responses.create({ ...question, background: true })).rejects.toBeInstanceOf(
      BadRequestError,
    );
    const unknown = await fetch(`${router.url}/v1/responses/nope`);
    expect(await unknown.json()).toEqual({
      error: {
        message: "Response with id 'nope' not found.",
        type: "invalid_request_error",
        param: "response_id",
        code: 404,
      },
    });
    const wrong = await fetch(`${router.url}/v1/responses/nope?starting_after=x`);
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ error: { param: "query.starting_after" } });
  });

  it("refuses what vLLM refuses, streamed or not", async () => {
    const { router } = served;
    for (const [more, param] of [
      [{ max_output_tokens: 0 }, "max_tokens"],
      [{ max_output_tokens: 1_000_000 }, "max_output_tokens"],
      [{ temperature: -1 }, "temperature"],
      [{ input: [{ type: "item_reference", id: "x" }] }, "input"],
      [{ tool_choice: "required" }, "tool_choice"],
    ] as const) {
      const refused = await router.post("/v1/responses", { ...question, ...more, stream: true });
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param } }]);
    }
  });

  it("takes the id it is given, and shows what the model read where asked to", async () => {
    const { router } = served;
    const answer = await router.post("/v1/responses", {
      ...question,
      request_id: "resp_mine",
      enable_response_messages: true,
    });
    const body = (await answer.json()) as {
      readonly id: string;
      readonly input_messages: readonly { readonly message: string; readonly tokens: readonly number[] }[];
      readonly usage: { readonly input_tokens: number };
    };
    expect(body.id).toBe("resp_mine");
    expect(body.input_messages[0]?.message).toContain("Tell me about responses.");
    expect(body.input_messages[0]?.tokens).toHaveLength(body.usage.input_tokens);
  });
});

describe("responses that are kept", () => {
  const flags = ["--enable-responses-api-store"];

  it("are found again, and go on as conversations", async () => {
    await using served = await serve(flags);
    const { client, engine } = served;
    const first = await client.responses.create({ ...question, instructions: "Be brief." });
    expect(await client.responses.retrieve(first.id)).toMatchObject({ id: first.id, output: first.output });
    await expect(client.responses.cancel(first.id)).rejects.toBeInstanceOf(BadRequestError);
    const second = await client.responses.create({
      ...question,
      input: "Go on.",
      previous_response_id: first.id,
    });
    expect(second.previous_response_id).toBe(first.id);
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
    const unkept = await client.responses.create({ ...question, store: false });
    await expect(client.responses.retrieve(unkept.id)).rejects.toBeInstanceOf(NotFoundError);
    expect(engine.openCalls).toBe(0);
  });

  it("are made in the background, streamed again from any event", async () => {
    await using served = await serve(flags);
    const { client, router } = served;
    const queued = await client.responses.create({ ...question, background: true });
    expect(queued).toMatchObject({ status: "queued", output: [], background: true });
    await eventually("the response is finished", async () => {
      const { status } = await client.responses.retrieve(queued.id);
      return status === "incomplete";
    });
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of await client.responses.create({
      ...question,
      background: true,
      stream: true,
    })) {
      events.push(event);
    }
    expect(events.at(-1)?.type).toBe("response.completed");
    const [created] = events;
    const id = created?.type === "response.created" ? created.response.id : "";
    const again = await fetch(`${router.url}/v1/responses/${id}?stream=true&starting_after=1`);
    const text = await again.text();
    expect(text.match(/^event: /gm)).toHaveLength(events.length - 2);
  });

  it("are cancelled while they run, and stay so", async () => {
    await using served = await serve(flags, 1);
    const { client, engine, router } = served;
    const queued = await client.responses.create({ ...question, max_output_tokens: 2000, background: true });
    await eventually("the engine works on it", () => engine.openCalls === 1);
    expect(await client.responses.cancel(queued.id)).toMatchObject({ status: "cancelled" });
    await eventually("the engine was told", () => engine.openCalls === 0);
    expect(await client.responses.retrieve(queued.id)).toMatchObject({ status: "cancelled" });
    await expect(client.responses.cancel(queued.id)).rejects.toBeInstanceOf(BadRequestError);
    expect(router.router.inFlight()).toBe(0);
  });

  it("make room for others, the oldest first", async () => {
    await using served = await serve([...flags, "--responses-api-store-size", "2"]);
    const { client } = served;
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      const response = await client.responses.create(question);
      ids.push(response.id);
    }
    await expect(client.responses.retrieve(ids[0] ?? "")).rejects.toBeInstanceOf(NotFoundError);
    expect(await client.responses.retrieve(ids[2] ?? "")).toMatchObject({ id: ids[2] });
  });
});
