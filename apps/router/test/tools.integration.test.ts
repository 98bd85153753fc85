import OpenAI, { BadRequestError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { startRouter, type TestRouter } from "./start-router.ts";

const messages = [{ role: "user" as const, content: "Weather in Paris?" }];

const WEATHER = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Paris"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

const CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>';

describe("tools and reasoning for the official openai client", () => {
  let engine: Simulator;
  let router: TestRouter;
  let client: OpenAI;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    router = await startRouter(
      [`http://${engine.address}`],
      ["--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--reasoning-parser", "qwen3"],
    );
    client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: "unused", maxRetries: 0 });
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  /** A request to which the engine answers with this text. */
  const saying = (text: string, extra: object = {}): OpenAI.ChatCompletionCreateParamsNonStreaming =>
    ({
      model: "sim",
      messages,
      max_tokens: 400,
      structured_outputs: { choice: [text] },
      ...extra,
    }) as OpenAI.ChatCompletionCreateParamsNonStreaming;

  it("streams a call behind its reasoning, and the helper puts it together", async () => {
    const text = `I look it up.\n</think>\n\n${CALL}`;
    const stream = client.chat.completions.stream({ ...saying(text, { tools: [WEATHER] }), stream: true });
    let reasoning = "";
    const argumentPieces: string[] = [];
    stream.on("tool_calls.function.arguments.delta", ({ arguments_delta: piece }) =>
      argumentPieces.push(piece),
    );
    for await (const chunk of stream) {
      reasoning += (chunk.choices[0]?.delta as { reasoning?: string } | undefined)?.reasoning ?? "";
    }
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(reasoning).toBe("I look it up.\n");
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message.tool_calls).toMatchObject([
      { type: "function", function: { name: "get_weather", arguments: '{"city": "Paris"}' } },
    ]);
    expect(choice?.message.tool_calls?.[0]?.id).toMatch(/^chatcmpl-tool-[0-9a-f]{16}$/);
    expect(argumentPieces.join("")).toBe('{"city": "Paris"}');
    expect(argumentPieces.length).toBeGreaterThan(1);
  });

  it("answers with the call in one piece", async () => {
    const answer = await client.chat.completions.create(saying(`So.</think>${CALL}`, { tools: [WEATHER] }));
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: null, reasoning: "So.", tool_calls: [{ function: { name: "get_weather" } }] },
    });
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
  });

  it.each([
    ["required" as const, "tool_calls"],
    [{ type: "function" as const, function: { name: "get_weather" } }, "stop"],
  ])("forces a call (%j) and parses its arguments", async (toolChoice, reason) => {
    const answer = await client.chat.completions.parse({
      model: "sim",
      messages,
      max_tokens: 400,
      tools: [{ ...WEATHER, function: { ...WEATHER.function, strict: true } }],
      tool_choice: toolChoice,
      chat_template_kwargs: { enable_thinking: false },
    } as Parameters<typeof client.chat.completions.parse>[0]);
    expect(answer.choices[0]?.finish_reason).toBe(reason);
    expect(answer.choices[0]?.message.content).toBe("");
    expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: "get_weather", parsed_arguments: { city: "Paris" } },
    });
  });

  it("may answer a strict tool's request in the asked format", async () => {
    const strict = [{ ...WEATHER, function: { ...WEATHER.function, strict: true } }];
    const answer = await client.chat.completions.create(saying("</think>No call.", { tools: strict }));
    expect(answer.choices[0]?.message.content).toBe("No call.");
  });

  it("hides reasoning that is not wanted", async () => {
    const answer = await client.chat.completions.create(
      saying("Secret.</think>Open.", { include_reasoning: false }),
    );
    expect(answer.choices[0]?.message).toMatchObject({ content: "Open.", reasoning: null });
    expect(JSON.stringify(answer)).not.toContain("Secret");
  });
});

describe("a router without parsers", () => {
  it("refuses tools, and names that no parser has stop the start", async () => {
    await using engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    await using router = await startRouter([`http://${engine.address}`], ["--reasoning-parser", "qwen3"]);
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: "unused", maxRetries: 0 });
    const refused = (extra: object): Promise<unknown> =>
      client.chat.completions
        .create({ model: "sim", messages, tools: [WEATHER], ...extra })
        .then(undefined, (error: unknown) => error);
    expect(await refused({})).toBeInstanceOf(BadRequestError);
    expect(await refused({ tool_choice: "required" })).toMatchObject({
      message: expect.stringContaining(
        'tool_choice="required" requires --tool-call-parser to be set',
      ) as string,
    });
    await expect(
      startRouter(["grpc://127.0.0.1:1"], ["--enable-auto-tool-choice", "--tool-call-parser", "nobody"], {
        waitForWorkers: false,
      }),
    ).rejects.toMatchObject({
      code: "parsers",
      message: expect.stringContaining("invalid tool call parser: nobody") as string,
    });
  });
});
