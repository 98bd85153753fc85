import { readFileSync } from "node:fs";
import { status } from "@grpc/grpc-js";
import { InferenceGenerateResponse } from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import { connectEngine } from "../src/index.ts";
import { camelCase } from "./recorded-case.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { startScriptedInference } from "./scripted-engine.ts";

interface RecordedCandidates {
  readonly tokens?: readonly { readonly id: number; readonly logprob: number }[];
}

interface RecordedInference {
  readonly id: string;
  readonly responses: readonly {
    readonly prompt_info?: {
      readonly num_prompt_tokens: number;
      readonly logprobs?: readonly number[];
      readonly ranks?: readonly number[];
    };
    readonly outputs?: {
      readonly token_ids?: readonly number[];
      readonly logprobs?: readonly number[];
      readonly candidate_tokens?: readonly RecordedCandidates[];
      readonly finish_info?: { readonly finish_reason: string; readonly stop_string?: string };
    };
  }[];
  readonly error: { readonly code: keyof typeof status; readonly details: string } | null;
}

const CASES = readFileSync(new URL("__fixtures__/inference.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as RecordedInference);

const REASONS: Readonly<Record<string, number>> = { LENGTH: 1, STOP: 2 };

function messageOf(recorded: RecordedInference["responses"][number]): InferenceGenerateResponse {
  const message = camelCase(recorded) as { outputs?: { finishInfo?: Record<string, unknown> } };
  const finish = message.outputs?.finishInfo;
  if (finish !== undefined) {
    finish["finishReason"] = REASONS[String(finish["finishReason"])];
    if (finish["stopString"] !== undefined)
      finish["stopReason"] = { $case: "stopString", value: finish["stopString"] };
  }
  return InferenceGenerateResponse.fromPartial(message as object);
}

const close = (values: readonly number[] | undefined): unknown[] =>
  (values ?? []).map((value) => expect.closeTo(value, 4));

async function replay(recorded: RecordedInference): Promise<RecordingSink> {
  await using engine = await startScriptedInference({
    generate: (call) => {
      for (const response of recorded.responses) call.write(messageOf(response));
      if (recorded.error === null) call.end();
      else call.emit("error", { code: status[recorded.error.code], details: recorded.error.details });
    },
  });
  const connection = connectEngine({ dialect: "vllm-inference", address: engine.address, secure: false });
  if (connection.dialect !== "vllm-inference") throw new Error(connection.dialect);
  const sink = new RecordingSink();
  connection.engine.generate(sampleRequest({ stream: recorded.id.endsWith(".stream") }), sink);
  await sink.over();
  await connection.close();
  return sink;
}

const named = (isError: boolean): (readonly [string, RecordedInference])[] =>
  CASES.filter(({ error }) => (error !== null) === isError).map((recorded) => [recorded.id, recorded]);

describe("recorded calls of vllm.Inference", () => {
  it.each(named(true))("%s", async (_id, recorded) => {
    const sink = await replay(recorded);
    expect(sink.first("error").error).toMatchObject({ code: "rejected", message: recorded.error?.details });
  });

  it.each(named(false))("%s", async (_id, recorded) => {
    const sink = await replay(recorded);
    const outputs = recorded.responses.flatMap(({ outputs: one }) => (one === undefined ? [] : [one]));
    const end = outputs.at(-1)?.finish_info;
    expect(sink.tokenIds()).toEqual(outputs.flatMap((output) => output.token_ids ?? []));
    expect(sink.first("finish").finish).toEqual({
      reason: end?.finish_reason.toLowerCase(),
      matchedStop: end?.stop_string,
      kvTransferParams: undefined,
    });
    const { output } = sink.first("output");
    const prompt = recorded.responses[0]?.prompt_info;
    expect(output.promptTokens).toBe(prompt?.num_prompt_tokens);
    expect(output.promptLogprobs?.ranks).toEqual(prompt?.ranks);
    expect(output.promptLogprobs?.tokenLogprobs.slice(1) ?? []).toEqual(close(prompt?.logprobs?.slice(1)));
    const first = outputs[0];
    expect(output.logprobs?.tokenLogprobs ?? []).toEqual(close(first?.logprobs));
    expect(output.logprobs?.topTokenIds).toEqual(
      first?.logprobs && first.candidate_tokens?.map(({ tokens }) => (tokens ?? []).map(({ id }) => id)),
    );
  });
});
