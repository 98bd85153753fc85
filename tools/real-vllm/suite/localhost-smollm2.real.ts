import { afterAll, beforeAll, describe, expect, it } from "vitest";
import OpenAI from "openai";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";
import { reportFigures } from "../harness/results.ts";
import { checkTranscripts } from "../harness/transcript-check.ts";
import { UNCARRIED_FIELDS } from "../harness/uncarried-fields.ts";

const NOT_COMPARED = [
  // Metrics have a port of their own.
  "routes/get/metrics",
  // Recorded with --enable-scale-out.
  "messages/render",
];

const PORT = 18_310;
const BASE = `http://127.0.0.1:${PORT}`;

describe("vllm-serve smollm2 --enable-router-as-api-server", () => {
  let program: RunningProgram;

  beforeAll(async () => {
    program = startProgram("vllm-serve", [
      "smollm2",
      "--enable-router-as-api-server",
      "--host",
      "127.0.0.1",
      "--port",
      String(PORT),
      "--router-prometheus-port",
      "0",
      ...ENGINE_FLAGS,
    ]);
    await program.ready(`${BASE}/health`, 300_000);
  });

  afterAll(async () => {
    if (program.child.exitCode === null) {
      await program.stop("SIGKILL", 30_000);
    }
    await program.nothingLeft(60_000);
  });

  it("answers the recorded cases as vLLM's own server did", async () => {
    const result = await checkTranscripts({
      baseUrl: BASE,
      model: "smollm2",
      groups: [
        "chat-*",
        "comp-*",
        "scoring",
        "structured",
        "tokenize",
        "validation",
        "messages",
        "responses",
        "routes",
        "scale-out-off",
      ],
      uncarriedFields: UNCARRIED_FIELDS,
      except: NOT_COMPARED,
    });
    console.log(
      `smollm2: ${result.equal} equal, ${result.chunking} chunking, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    console.log([...result.wording, ...result.listed].join("\n"));
    reportFigures("recorded cases, smollm2", result.endpoints);
    expect(result.different).toEqual([]);
    expect(result.equal).toBeGreaterThan(230);
  });

  it("serves the official client, streaming and not", async () => {
    const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "What is the capital of France?" }];
    const whole = await client.chat.completions.create({
      model: "smollm2",
      messages,
      temperature: 0,
      max_tokens: 12,
    });
    expect(whole.choices[0]?.message.content).toContain("Paris");
    const stream = await client.chat.completions.create({
      model: "smollm2",
      messages,
      temperature: 0,
      max_tokens: 12,
      stream: true,
    });
    let streamed = "";
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta.content ?? "";
    }
    expect(streamed).toBe(whole.choices[0]?.message.content);
    const response = await client.responses.create({
      model: "smollm2",
      input: messages[0]?.content ?? "",
      temperature: 0,
      max_output_tokens: 12,
    });
    expect(response.output_text).toBe(whole.choices[0]?.message.content);
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(["smollm2"]);
    await expect(client.chat.completions.create({ model: "nope", messages })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    await expect(
      client.chat.completions.create({ model: "smollm2", messages, temperature: -1 }),
    ).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it("ends with everything it started on SIGTERM", async () => {
    expect(await program.stop("SIGTERM", 90_000)).toBe(0);
    await program.nothingLeft(30_000);
    expect(program.left()).toEqual([]);
  });
});
