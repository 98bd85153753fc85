import { readFileSync } from "node:fs";
import { type DeepPartialRequest, TestClient, unary } from "./engine-client.ts";
import { status } from "@grpc/grpc-js";
import type { GenerateComplete } from "@vllm-router/proto/messages";
import { type Simulator, startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";

const prompt = [3, 1, 4, 1, 5, 9, 2, 6];
const config = JSON.parse(readFileSync(new URL("../assets/model/config.json", import.meta.url), "utf8")) as {
  eos_token_id: number;
  pad_token_id: number;
  vocab_size: number;
};
const endOfTurn = config.eos_token_id;
/** The second end of generation_config.json. */
const endOfText = config.pad_token_id;

/** Starts an engine and a client of it. */
async function start(
  options: Parameters<typeof startSimulator>[0] = {},
): Promise<AsyncDisposable & { simulator: Simulator; client: TestClient }> {
  const simulator = await startSimulator({ speed: 0, ...options });
  const client = new TestClient(simulator);
  return {
    simulator,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await simulator.close();
    },
  };
}

const completes = (messages: readonly { $case: string; value: unknown }[]): GenerateComplete[] =>
  messages.filter(({ $case }) => $case === "complete").map(({ value }) => value as GenerateComplete);

describe("ends of a sequence", () => {
  it("EOS is among the tokens and matches nothing", async () => {
    await using engine = await start();
    const { outputs, messages } = await engine.client.run({ ids: prompt });
    expect(outputs[0]?.indexOf(endOfTurn)).toBe((outputs[0]?.length ?? 0) - 1);
    expect(completes(messages)[0]).toMatchObject({ finishReason: "stop", matchedStop: undefined });
  });

  it("ignore_eos goes on beyond it", async () => {
    await using engine = await start();
    const sampling = { ignoreEos: true, maxTokens: 400 };
    const { outputs } = await engine.client.run({ ids: prompt, sampling });
    expect(outputs[0]).toHaveLength(400);
    expect(outputs[0]).toContain(endOfTurn);
  });

  it("min_tokens holds back EOS and stop tokens", async () => {
    await using engine = await start();
    const free = (await engine.client.run({ ids: prompt })).outputs[0] ?? [];
    const minTokens = free.length + 5;
    const held = (await engine.client.run({ ids: prompt, sampling: { minTokens } })).outputs[0] ?? [];
    expect(held.length).toBeGreaterThanOrEqual(minTokens);
    expect(held.slice(0, minTokens - 1)).not.toContain(endOfTurn);
  });

  it("a stop token is among the tokens and is named", async () => {
    await using engine = await start();
    const free = (await engine.client.run({ ids: prompt, sampling: { maxTokens: 12 } })).outputs[0] ?? [];
    const stop = free[7] ?? 0;
    const { outputs, messages } = await engine.client.run({
      ids: prompt,
      sampling: { stopTokenIds: [stop] },
    });
    expect(outputs[0]).toEqual(free.slice(0, free.indexOf(stop) + 1));
    expect(completes(messages)[0]?.matchedStop).toEqual({ $case: "matchedTokenId", value: stop });
  });

  it("a second EOS of generation_config counts as a stop token", async () => {
    await using engine = await start();
    const sampling = { logitBias: { [endOfText]: 100 } };
    const { messages } = await engine.client.run({ ids: prompt, sampling });
    expect(completes(messages)[0]).toMatchObject({
      outputIds: [endOfText],
      finishReason: "stop",
      matchedStop: { $case: "matchedTokenId", value: endOfText },
    });
  });

  it("the context's end is a length", async () => {
    await using engine = await start({ maxModelLen: 20 });
    const { outputs, messages } = await engine.client.run({ ids: prompt, sampling: { ignoreEos: true } });
    expect(outputs[0]).toHaveLength(12);
    expect(completes(messages)[0]?.finishReason).toBe("length");
  });
});

describe("several sequences", () => {
  it("interleave in a stream, differ, and each ends with its own complete", async () => {
    await using engine = await start();
    const sampling = { n: 3, temperature: 1, seed: 5, maxTokens: 30 };
    const { outputs, messages } = await engine.client.run({ ids: prompt, sampling });
    expect(new Set(outputs.map((ids) => ids.join())).size).toBe(3);
    expect(
      completes(messages)
        .map(({ index }) => index)
        .toSorted((a, b) => a - b),
    ).toEqual([0, 1, 2]);
    expect(messages.slice(0, 3).map(({ value }) => value.index)).toEqual([0, 1, 2]);
    const second = await engine.client.run({ ids: prompt, sampling: { ...sampling, n: 1, seed: 6 } });
    expect(second.outputs[0]).toEqual(outputs[1]);
  });

  it("come together at the end without streaming", async () => {
    await using engine = await start();
    const sampling = { n: 2, temperature: 1, maxTokens: 10 };
    const { messages } = await engine.client.run({ ids: prompt, sampling, stream: false });
    expect(completes(messages).map(({ index, completionTokens }) => [index, completionTokens])).toEqual([
      [0, 10],
      [1, 10],
    ]);
  });
});

describe("structured outputs", () => {
  const constrained = async (constraint: NonNullable<DeepPartialRequest["samplingParams"]>["constraint"]) => {
    await using engine = await start();
    const { outputs, messages, error } = await engine.client.send({
      input: { $case: "tokenized", value: { inputIds: prompt } },
      samplingParams: { temperature: 0, constraint: constraint as never },
    });
    return { ids: outputs[0] ?? [], finish: completes(messages)[0]?.finishReason, error };
  };

  it("choice writes a choice and stops", async () => {
    const { ids, finish } = await constrained({ $case: "choice", value: { choices: ["red", "green"] } });
    expect(finish).toBe("stop");
    expect(ids.at(-1)).toBe(endOfTurn);
  });

  it("regular expressions and grammars are refused by name", async () => {
    const { error } = await constrained({ $case: "regex", value: "[0-9]+" });
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    expect(error?.details).toBe("the simulator does not support structured outputs of kind regex");
  });
});

describe("Abort", () => {
  it.each([true, false])("ends a running request with what it has (stream: %s)", async (stream) => {
    await using engine = await start({ speed: 1, stepMs: 1 });
    const running = engine.client.run({ id: "mine", ids: prompt, stream, sampling: { ignoreEos: true } });
    await expect.poll(() => engine.simulator.generatedTokens, { timeout: 5000 }).toBeGreaterThan(2);
    await unary((done) => engine.client.engine.abort({ requestIds: ["other", "mine"] }, done));
    const { messages, error } = await running;
    expect(error).toBeUndefined();
    const [complete] = completes(messages);
    expect(complete?.finishReason).toBe("abort");
    // A stream has sent its tokens before; else they come with the end.
    const sent = messages.flatMap((message) => (message.$case === "chunk" ? message.value.tokenIds : []));
    expect(complete?.completionTokens).toSatisfy((count: number) => (stream ? count === 0 : count > 2));
    expect(sent.length).toSatisfy((count: number) => (stream ? count > 2 : count === 0));
    expect(engine.simulator.runningRequests).toBe(0);
    expect(engine.simulator.abortCount).toBe(1);
  });
});

describe("requests that are refused", () => {
  it.each([
    [
      "a prompt that is too long",
      { input: Array(33).fill(1) },
      "The decoder prompt (length 33) is longer than the maximum model length of 32. Make sure that `max_model_len` is no smaller than the number of text tokens.",
    ],
    ["an unknown id", { input: [1, 999_999] }, "Token id 999999 is out of vocabulary"],
    [
      "a rank there is not",
      { extra: { dataParallelRank: 1 } },
      "data_parallel_rank 1 is out of range [0, 1).",
    ],
    [
      "logprobs 21",
      { sampling: { logprobs: 21 } },
      "Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)",
    ],
    ["greedy n", { sampling: { n: 2 } }, "n must be 1 when using greedy sampling, got 2."],
    [
      "an unknown stop token",
      { sampling: { stopTokenIds: [5000] } },
      `token_id(s) [5000] in stop_token_ids contain out-of-vocab token ids. Vocabulary size: ${config.vocab_size} (parameter=stop_token_ids, value=[5000])`,
    ],
    [
      "a minimum above the maximum",
      { sampling: { minTokens: 3, maxTokens: 2 } },
      "min_tokens must be less than or equal to max_tokens=2, got 3.",
    ],
  ])(
    "%s",
    async (
      _,
      { input = prompt, sampling = {}, extra = {} }: { input?: number[]; sampling?: object; extra?: object },
      details,
    ) => {
      await using engine = await start({ maxModelLen: 32 });
      const { error } = await engine.client.run({ ids: input, sampling, extra });
      expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details });
    },
  );
});
