import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { sseEvents, startRouter, type TestRouter } from "./start-router.ts";

interface Rendered {
  readonly token_ids: readonly number[];
}

interface Message {
  readonly choices: readonly {
    readonly message?: { readonly content: string | null };
    readonly text?: string;
    readonly delta?: { readonly role: string | null; readonly content: string | null };
    readonly finish_reason: string | null;
  }[];
  readonly usage: Readonly<Record<string, unknown>> | null;
}

interface Derendered {
  readonly chunk: Message;
  readonly stream_state: unknown;
}

const messages = [{ role: "user", content: "Tell me about tokens, ö and 😀." }];
const asked = { messages, max_tokens: 12, temperature: 0 };

describe("the derender routes", () => {
  let engine: Simulator;
  let router: TestRouter;
  let rendered: Rendered;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0 });
    router = await startRouter([`http://${engine.address}`], ["--enable-scale-out"]);
    rendered = await json<Rendered>("/v1/chat/completions/render", asked);
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  async function json<T>(path: string, body: unknown): Promise<T> {
    return (await (await router.post(path, body)).json()) as T;
  }

  it("make of ids what the chat and completion routes answer", async () => {
    const generated = await json("/inference/v1/generate", rendered);
    const chat = await json<Message>("/v1/chat/completions", asked);
    const prompt_token_ids = rendered.token_ids;
    const prompt_tokens = prompt_token_ids.length;
    const body = { generate_response: generated, prompt_tokens, prompt_token_ids, chat_request: asked };
    const derendered = await json<Message>("/v1/chat/completions/derender", body);
    expect(derendered.choices).toEqual(chat.choices);
    expect(derendered.usage).toEqual(chat.usage);
    const completion = await json<Message>("/v1/completions/derender", {
      generate_responses: [generated],
      prompt_token_ids: [prompt_token_ids],
    });
    expect(completion.choices[0]?.text).toBe(chat.choices[0]?.message?.content);
  });

  it.each(["/v1/chat/completions/derender", "/v1/completions/derender"])(
    "%s goes chunk by chunk, with its state at the client",
    async (path) => {
      const stream = await router.post("/inference/v1/generate", { ...rendered, stream: true });
      const chat = await json<Message>("/v1/chat/completions", asked);
      let stream_state: unknown = null;
      let text = "";
      let reason: string | null = null;
      for (const generate_chunk of sseEvents(await stream.text())) {
        const answer: Derendered = await json(path, {
          stream: true,
          generate_chunk,
          stream_state,
          prompt_token_ids: rendered.token_ids,
        });
        ({ stream_state } = answer);
        const [choice] = answer.chunk.choices;
        text += choice?.text ?? choice?.delta?.content ?? "";
        reason = choice?.finish_reason ?? reason;
      }
      expect(text).toBe(chat.choices[0]?.message?.content);
      expect(reason).toBe(chat.choices[0]?.finish_reason);
    },
  );

  it("refuse more than the model could have said", async () => {
    const refused = await router.post("/v1/chat/completions/derender", {
      generate_response: { request_id: "g", choices: [{ index: 0, token_ids: Array(100_000).fill(1) }] },
    });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining("token_ids length (100000) in choice 0") as string } },
    ]);
  });
});
