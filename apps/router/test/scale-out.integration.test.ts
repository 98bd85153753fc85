import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { sseEvents, startRouter, type TestRouter } from "./start-router.ts";

interface Rendered {
  readonly request_id: string;
  readonly token_ids: readonly number[];
  readonly token_offsets: readonly (readonly [number, number])[] | null;
  readonly sampling_params: Readonly<Record<string, unknown>>;
}

interface Generated {
  readonly request_id: string;
  readonly choices: readonly {
    readonly token_ids: readonly number[];
    readonly finish_reason: string | null;
  }[];
  readonly usage: { readonly completion_tokens: number } | null;
}

const PATHS = [
  "/inference/v1/generate",
  "/inference/v1/abort_requests",
  "/v1/chat/completions/render",
  "/v1/completions/render",
  "/v1/messages/render",
  "/v1/responses/render",
  "/v1/chat/completions/derender",
  "/v1/completions/derender",
] as const;

const messages = [{ role: "user", content: "Tell me about tokens." }];

describe("the routes of --enable-scale-out", () => {
  let engine: Simulator;
  let router: TestRouter;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0 });
    router = await startRouter([`http://${engine.address}`], ["--enable-scale-out"]);
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  it("render what the generate route answers as the chat route does", async () => {
    const asked = { messages, max_tokens: 12, temperature: 0 };
    const rendered = (await (
      await router.post("/v1/chat/completions/render", { ...asked, return_token_offsets: true })
    ).json()) as Rendered;
    expect(rendered.request_id).toMatch(/^chatcmpl-/);
    expect(rendered.sampling_params).toMatchObject({ temperature: 0, max_tokens: 12, output_kind: 2 });
    expect(rendered.token_offsets).toHaveLength(rendered.token_ids.length);
    const generated = (await (
      await router.post("/inference/v1/generate", { ...rendered, token_offsets: null })
    ).json()) as Generated;
    expect(generated.request_id).toBe(`generate-tokens-${rendered.request_id}`);
    const chat = (await (
      await router.post("/v1/chat/completions", { ...asked, return_token_ids: true })
    ).json()) as Generated;
    expect(generated.choices[0]?.token_ids).toEqual(chat.choices[0]?.token_ids);

    const streamed = await router.post("/inference/v1/generate", {
      ...rendered,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = sseEvents<Generated>(await streamed.text());
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.token_ids ?? [])).toEqual(
      generated.choices[0]?.token_ids,
    );
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 12 } });
  });

  it("render the same prompt from every API", async () => {
    const token = async (path: string, body: unknown): Promise<readonly number[]> =>
      ((await (await router.post(path, body)).json()) as Rendered).token_ids;
    const [first] = messages;
    const chat = await token("/v1/chat/completions/render", { messages });
    expect(await token("/v1/messages/render", { model: "", messages, max_tokens: 5 })).toBeUndefined();
    const { id } = (
      (await (await fetch(`${router.url}/v1/models`)).json()) as {
        readonly data: readonly { readonly id: string }[];
      }
    ).data[0] ?? { id: "" };
    expect(await token("/v1/messages/render", { model: id, messages, max_tokens: 5 })).toEqual(chat);
    expect(await token("/v1/responses/render", { input: first?.content })).toEqual(chat);
    const completions = (await (
      await router.post("/v1/completions/render", { prompt: ["a", [1, 2]] })
    ).json()) as readonly Rendered[] | { readonly error: unknown };
    expect(completions).toMatchObject({ error: { code: 400 } });
    const batch = (await (
      await router.post("/v1/completions/render", { prompt: [[5], [1, 2]] })
    ).json()) as readonly Rendered[];
    expect(batch.map((one) => one.token_ids)).toEqual([[5], [1, 2]]);
    expect(batch[1]?.request_id).toMatch(/^cmpl-.*-1$/);
  });

  it("give the text too where it is asked for", async () => {
    const body = {
      token_ids: [5, 6, 7],
      sampling_params: { temperature: 0, max_tokens: 4 },
      output_mode: "text",
    };
    expect(await (await router.post("/inference/v1/generate", body)).json()).toMatchObject({
      output_mode: "text",
      choices: [{ text: expect.any(String) as string, finish_reason: "length" }],
    });
  });

  it.each([
    [{ token_ids: [] }, "body.token_ids"],
    [{ token_ids: [-1] }, "body.token_ids"],
    [{ token_ids: [1] }, "body.sampling_params"],
  ])("refuse %j", async (body, param) => {
    const more = param === "body.sampling_params" ? {} : { sampling_params: {} };
    const refused = await router.post("/inference/v1/generate", { ...body, ...more });
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param } }]);
  });
});

it("are forbidden without the flag, whatever is asked", async () => {
  await using engine = await startSimulator({ speed: 0 });
  await using router = await startRouter([`http://${engine.address}`]);
  for (const path of PATHS) {
    const refused = await router.post(path, "{");
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: { type: "PermissionDeniedError" } },
    ]);
  }
});
