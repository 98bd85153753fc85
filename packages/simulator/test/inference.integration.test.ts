import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  InferenceFinishReason,
  InferenceGenerateRequest,
  type InferenceGenerateResponse,
  ServingStatus,
} from "@vllm-router/proto/messages";
import { ControlClient, HealthClient, InferenceClient } from "@vllm-router/proto/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../src/index.ts";

let simulator: Simulator;
let client: InferenceClient;
let control: ControlClient;

beforeAll(async () => {
  simulator = await startSimulator({
    protocol: "vllm-inference",
    speed: 0,
    dataParallelSize: 2,
    servedModelNames: ["sim", "alias"],
  });
  client = new InferenceClient(simulator.address, credentials.createInsecure());
  control = new ControlClient(simulator.address, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  control.close();
  await simulator.close();
});

type Fields = Parameters<typeof InferenceGenerateRequest.fromPartial>[0];

function request(fields: Fields = {}): InferenceGenerateRequest {
  return InferenceGenerateRequest.fromPartial({
    requestId: "r",
    prompt: { $case: "tokenIds", value: { ids: [5, 6, 7] } },
    stopping: { maxNewTokens: 4, ignoreEos: true },
    response: { outputTokenIds: true },
    ...fields,
  });
}

async function stream(
  fields: Fields = {},
  metadata: Record<string, string> = {},
): Promise<InferenceGenerateResponse[]> {
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
  const messages: InferenceGenerateResponse[] = [];
  for await (const message of client.generateStream(request(fields), headers)) messages.push(message);
  return messages;
}

async function whole(fields: Fields = {}): Promise<InferenceGenerateResponse> {
  return new Promise((resolve, reject) => {
    client.generate(request(fields), (error, response) => {
      if (error === null && response !== undefined) resolve(response);
      else reject(error ?? new Error("no answer"));
    });
  });
}

describe("vllm.Inference", () => {
  it("tells the prompt first, then a message a step, the end with the last tokens", async () => {
    const [prompt, ...outputs] = await stream();
    expect(prompt).toMatchObject({ promptInfo: { numPromptTokens: 3 }, outputs: undefined });
    expect(outputs.map(({ outputs: output }) => output?.tokenIds.length)).toEqual([1, 1, 1, 1]);
    expect(outputs.map(({ outputs: output }) => output?.finishInfo?.finishReason)).toEqual([
      undefined,
      undefined,
      undefined,
      InferenceFinishReason.LENGTH,
    ]);
    expect(outputs.at(-1)?.outputs?.finishInfo?.numOutputTokens).toBe(4);
  });

  it("tells everything in one message where that is asked for", async () => {
    const streamed = (await stream()).flatMap(({ outputs }) => outputs?.tokenIds ?? []);
    const answer = await whole();
    expect(answer.promptInfo?.numPromptTokens).toBe(3);
    expect(answer.outputs).toMatchObject({ tokenIds: streamed, numTokens: 4, text: "" });
  });

  it("gives logprobs with the sampled token among its alternatives, and ranks of the prompt", async () => {
    const { promptInfo, outputs } = await whole({
      response: {
        outputTokenIds: true,
        outputLogprobs: true,
        outputCandidates: { select: { $case: "topN", value: 2 } },
        promptTokenIds: true,
        promptLogprobs: true,
        promptCandidates: { select: { $case: "topN", value: 3 } },
      },
    });
    expect(outputs?.logprobs).toHaveLength(4);
    expect(outputs?.candidateTokens.map(({ tokens }) => tokens[0]?.id)).toEqual(outputs?.tokenIds);
    expect(outputs?.candidateTokens.map(({ tokens }) => tokens.length)).toEqual([2, 2, 2, 2]);
    expect(promptInfo?.tokenIds).toEqual([5, 6, 7]);
    expect(promptInfo?.ranks).toEqual([0, expect.any(Number), expect.any(Number)]);
    expect(promptInfo?.candidateTokens.map(({ tokens }) => tokens.length)).toEqual([0, 3, 3]);
  });

  it("gives the logprobs of named tokens behind that of the sampled one", async () => {
    const { outputs } = await whole({
      response: {
        outputTokenIds: true,
        outputLogprobs: true,
        outputCandidates: { select: { $case: "tokenIds", value: { ids: [300, 301] } } },
      },
    });
    expect(outputs?.logprobs).toHaveLength(4);
    expect(outputs?.candidateTokens.map(({ tokens }) => tokens.map(({ id }) => id))).toEqual(
      outputs?.tokenIds.map((id) => [id, 300, 301]),
    );
  });

  it("obeys constraints and allowed tokens", async () => {
    const allowed = await whole({ decoding: { allowedTokenIds: [300] } });
    expect(allowed.outputs?.tokenIds).toEqual([300, 300, 300, 300]);
    const choice = await whole({
      stopping: { maxNewTokens: 50 },
      decoding: { structuredOutput: { $case: "choice", value: { choices: ["yes"] } } },
    });
    expect(choice.outputs?.finishInfo?.finishReason).toBe(InferenceFinishReason.STOP);
    expect(choice.outputs?.finishInfo?.stopReason?.$case).toBe("eosTokenId");
  });

  it.each<readonly [string, Fields, readonly [keyof typeof status, string]]>([
    ["several sequences", { sampling: { numSequences: 2 } }, ["INVALID_ARGUMENT", "num_sequences > 1"]],
    ["an unknown model", { model: "nope" }, ["NOT_FOUND", "model `nope` not found"]],
    ["an adapter", { loraName: "x" }, ["FAILED_PRECONDITION", "LoRA"]],
    ["no prompt", { prompt: undefined }, ["INVALID_ARGUMENT", "prompt is required"]],
    [
      "an empty prompt",
      { prompt: { $case: "tokenIds", value: { ids: [] } } },
      ["INVALID_ARGUMENT", "`r` must contain"],
    ],
    ["a wrong top_p", { sampling: { topP: 2 } }, ["INVALID_ARGUMENT", "top_p must be in (0, 1]"]],
  ])("refuses %s", async (_what, fields, [code, text]) => {
    const error = (await whole(fields).catch((thrown: unknown) => thrown)) as ServiceError;
    expect([error.code, error.details]).toEqual([status[code], expect.stringContaining(text)]);
  });

  it("takes the rank from the metadata", async () => {
    const fields = { requestId: "ranked" };
    await stream(fields, { "x-data-parallel-rank": "1" });
    const { request: asked, inference } = simulator.requests.at(-1) ?? {};
    expect([asked?.dataParallelRank, inference?.requestId]).toEqual([1, "ranked"]);
    await expect(stream(fields, { "x-data-parallel-rank": "2" })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  it("tells its model, its limits and its health", async () => {
    const info = await new Promise((resolve) => {
      control.getModelInfo({}, (_error, answer) => resolve(answer));
    });
    expect(info).toMatchObject({
      servedModelName: "sim",
      servedModelAliases: ["alias"],
      reasoningParser: "",
    });
    const server = await new Promise((resolve) => {
      control.getServerInfo({}, (_error, answer) => resolve(answer));
    });
    expect(server).toMatchObject({ engineVersion: "0.32.0", parallelism: { dataParallelSize: 2 } });
    const health = new HealthClient(simulator.address, credentials.createInsecure());
    const checked = await new Promise((resolve) => {
      health.check({ service: "vllm.Inference" }, (_error, answer) => resolve(answer));
    });
    expect(checked).toEqual({ status: ServingStatus.SERVING });
    health.close();
  });

  it("ends a request by an Abort call", async () => {
    await using slow = await startSimulator({ protocol: "vllm-inference", speed: 0.1 });
    const channel = credentials.createInsecure();
    const inference = new InferenceClient(slow.address, channel);
    const aborting = new ControlClient(slow.address, channel);
    const messages: InferenceGenerateResponse[] = [];
    const long = request({ requestId: "long", stopping: { maxNewTokens: 400, ignoreEos: true } });
    for await (const message of inference.generateStream(long)) {
      if (messages.length === 1) {
        aborting.abort({ requestIds: ["long", "unknown"] }, () => undefined);
      }
      messages.push(message);
    }
    expect(messages.at(-1)?.outputs?.finishInfo?.finishReason).toBe(InferenceFinishReason.ABORTED);
    expect(slow.abortCount).toBe(1);
    inference.close();
    aborting.close();
  });
});
