import Anthropic, { BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import { freePort, RunningProgram } from "./running-program.ts";

const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Tell me a story." }];
/** The program starts an engine and a router, on machines that are busy with other tests. */
const timeout = 90_000;

describe("the official anthropic client", { timeout }, () => {
  it("gets messages, streams, counts and typed errors from one command", async () => {
    const port = String(await freePort());
    await using running = new RunningProgram([
      ..."M --enable-router-as-api-server --engine simulator --host 127.0.0.1".split(" "),
      `--port=${port}`,
      "--router-prometheus-port=0",
    ]);
    await running.line(/vllm-router is ready on/);
    const client = new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: "none", maxRetries: 0 });
    const question = { model: "M", messages, max_tokens: 12 };

    const whole = await client.messages.create(question);
    expect(whole).toMatchObject({
      type: "message",
      role: "assistant",
      model: "M",
      stop_reason: "max_tokens",
    });
    expect(whole.usage.output_tokens).toBe(12);

    const stream = client.messages.stream(question);
    let streamed = "";
    stream.on("text", (delta) => (streamed += delta));
    const final = await stream.finalMessage();
    expect(final.content).toEqual([expect.objectContaining({ type: "text", text: streamed })]);
    expect(final.usage.output_tokens).toBe(12);

    const turns: Anthropic.MessageParam[] = [
      ...messages,
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "t1", name: "weather", input: { city: "Rome" } }],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "sunny" }] },
    ];
    const counted = await client.messages.countTokens({ model: "M", messages: turns });
    const answered = await client.messages.create({ ...question, messages: turns });
    expect(answered.usage.input_tokens).toBe(counted.input_tokens);

    await expect(client.messages.create({ ...question, model: "nope" })).rejects.toBeInstanceOf(
      NotFoundError,
    );
    await expect(client.messages.create({ ...question, max_tokens: 0 })).rejects.toBeInstanceOf(
      BadRequestError,
    );
  });
});
