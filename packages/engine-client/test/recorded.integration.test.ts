import type { GenerateRequest as GenerateRequestMessage } from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import {
  connectEngine,
  type EngineTransport,
  type SamplingParameters,
  type StructuredOutput,
} from "../src/index.ts";
import {
  type RecordedCase,
  recordedCases,
  recordedLoads,
  recordedServerInfo,
  responseOf,
} from "./recorded-case.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { startScriptedEngine } from "./scripted-engine.ts";

const CASES = recordedCases();
const TRANSPORTS: readonly EngineTransport[] = ["http2", "grpc-js"];

function samplingOf(recorded: RecordedCase): Partial<SamplingParameters> {
  const given = recorded.request.sampling_params;
  const number = (name: string): number | undefined => given[name] as number | undefined;
  const bias = given["logit_bias"] as Readonly<Record<string, number>> | undefined;
  return {
    temperature: number("temperature") ?? 1,
    topP: number("top_p") ?? 1,
    topK: number("top_k") ?? 0,
    maxTokens: number("max_tokens") ?? 16,
    stop: (given["stop"] as string[] | undefined) ?? [],
    seed: number("seed"),
    logprobs: number("logprobs"),
    promptLogprobs: number("prompt_logprobs"),
    logitBias: bias && new Map(Object.entries(bias).map(([id, value]) => [Number(id), value])),
    structuredOutput: constraintOf(given),
  };
}

function constraintOf(given: Readonly<Record<string, unknown>>): StructuredOutput | undefined {
  if (typeof given["json_schema"] === "string") return { kind: "json-schema", schema: given["json_schema"] };
  if (typeof given["structural_tag"] === "string")
    return { kind: "structural-tag", tag: given["structural_tag"] };
  const choice = given["choice"] as { readonly choices: string[] } | undefined;
  return choice && { kind: "choice", choices: choice.choices };
}

/** The message's own names for what the recording says of sampling. */
function expectSent(recorded: RecordedCase, sent: GenerateRequestMessage | undefined): void {
  const given = recorded.request.sampling_params;
  expect(sent?.samplingParams).toMatchObject({
    temperature: given["temperature"],
    maxTokens: given["max_tokens"],
    topP: expect.closeTo((given["top_p"] as number | undefined) ?? 1),
    topK: given["top_k"] ?? 0,
    stop: given["stop"] ?? [],
    logitBias: given["logit_bias"] ?? {},
  });
  expect(sent?.samplingParams?.seed).toBe(given["seed"]);
  expect(sent?.samplingParams?.logprobs).toBe(given["logprobs"]);
  expect(sent?.samplingParams?.promptLogprobs).toBe(given["prompt_logprobs"]);
  expect(sent?.kvTransferParamsJson).toBe(recorded.request.kv_transfer_params_json);
  const input = sent?.input?.$case === "tokenized" ? sent.input.value.inputIds : undefined;
  expect(input).toEqual(recorded.request.tokenized.input_ids);
}

describe.each(TRANSPORTS)("recorded calls over %s", (transport) => {
  it.each(CASES.map((recorded) => [recorded.id, recorded] as const))("%s", async (_id, recorded) => {
    let sent: GenerateRequestMessage | undefined;
    await using engine = await startScriptedEngine({
      generate: (call) => {
        sent = call.request;
        for (const response of recorded.responses) call.write(responseOf(response));
        call.end();
      },
    });
    const connection = connectEngine(
      { dialect: "vllm-engine", address: engine.address, secure: false },
      { transport },
    );
    if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
    const sink = new RecordingSink();
    connection.engine.generate(
      sampleRequest({
        requestId: recorded.request.request_id,
        tokenIds: Int32Array.from(recorded.request.tokenized.input_ids),
        stream: recorded.request.stream ?? false,
        kvTransferParams: recorded.request.kv_transfer_params_json,
        sampling: samplingOf(recorded),
      }),
      sink,
    );
    await sink.over();
    expectSent(recorded, sent);

    const chunks = recorded.responses.flatMap(({ chunk }) => (chunk === undefined ? [] : [chunk]));
    const complete = recorded.responses.at(-1)?.complete;
    const outputs = chunks.length > 0 ? chunks : [complete];
    expect(sink.kinds().filter((kind) => kind !== "flush")).toEqual([
      ...outputs.map(() => "output"),
      "finish",
      "end",
    ]);
    expect(sink.tokenIds()).toEqual(
      outputs.flatMap((message) => message?.token_ids ?? message?.output_ids ?? []),
    );
    expect(sink.first("finish").finish).toEqual({
      reason: complete?.finish_reason,
      matchedStop: complete?.matched_stop_str ?? complete?.matched_token_id,
      kvTransferParams: complete?.kv_transfer_params_json,
    });
    const { output } = sink.first("output");
    expect(output.promptTokens).toBe(outputs[0]?.prompt_tokens);
    expect(output.cachedTokens).toBe(outputs[0]?.cached_tokens ?? 0);
    const logprobs = outputs[0]?.output_logprobs;
    const rounded = (values: readonly number[] | undefined): unknown[] =>
      (values ?? []).map((value) => expect.closeTo(value, 4));
    expect(output.logprobs).toEqual(
      logprobs && {
        tokenLogprobs: rounded(logprobs.token_logprobs),
        topTokenIds: logprobs.token_ids.map((_token, at) => logprobs.top_logprobs?.[at]?.token_ids ?? []),
        topLogprobs: logprobs.token_ids.map((_token, at) => rounded(logprobs.top_logprobs?.[at]?.values)),
      },
    );
    const prompt = outputs[0]?.input_logprobs;
    expect(output.promptLogprobs).toEqual(
      prompt && {
        tokenIds: prompt.token_ids,
        tokenLogprobs: prompt.token_logprobs.map(({ value }) =>
          value === undefined ? undefined : rounded([value])[0],
        ),
        topTokenIds: prompt.token_ids.map((_token, at) => prompt.top_logprobs?.[at]?.token_ids ?? []),
        topLogprobs: prompt.token_ids.map((_token, at) => rounded(prompt.top_logprobs?.[at]?.values)),
      },
    );
    await connection.close();
  });
});

describe("recorded information", () => {
  it("is read as the router needs it", async () => {
    await using engine = await startScriptedEngine({
      engine: {
        getServerInfo: (_call, callback) => callback(null, recordedServerInfo("pd-grpc/server-info-b")),
        getLoads: (_call, callback) => callback(null, recordedLoads("grpc-unary/GetLoads-after")),
      },
    });
    const connection = connectEngine({ dialect: "vllm-engine", address: engine.address, secure: false });
    if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
    expect(await connection.admin.getServerInfo()).toMatchObject({
      kvConnector: "NixlConnector",
      kvRole: "kv_both",
      kvBlockTokens: 128,
      maxRunningRequests: 16,
      dataParallelSize: 1,
      constrainedDecodingStart: "first_token",
    });
    const { version, loads } = await connection.admin.getLoads();
    expect(version).toBe("0.32.0");
    expect(loads).toHaveLength(1);
    expect(loads[0]).toMatchObject({
      maxTotalNumTokens: 1_048_576,
      maxRunningRequests: 16,
      genThroughput: 62,
    });
    await connection.close();
  });
});
