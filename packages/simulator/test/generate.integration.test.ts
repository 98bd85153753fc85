import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { TestClient, unary } from "./engine-client.ts";

const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

describe("Generate over a socket", () => {
  it("streams a chunk per token and repeats the last one in complete", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    using client = new TestClient(simulator);
    const { messages, outputs, error } = await client.run({ ids: prompt, sampling: { maxTokens: 5 } });
    expect(error).toBeUndefined();
    expect(messages.map((message) => message.$case)).toEqual([...Array(5).fill("chunk"), "complete"]);
    expect(outputs[0]).toHaveLength(5);
    expect(messages.at(-1)?.value).toMatchObject({
      outputIds: outputs[0]?.slice(-1),
      finishReason: "length",
      completionTokens: 1,
      promptTokens: prompt.length,
      matchedStop: undefined,
    });
  });

  it("answers without streaming with one complete that holds everything", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    using client = new TestClient(simulator);
    const streamed = await client.run({ ids: prompt, sampling: { maxTokens: 5 } });
    const whole = await client.run({ ids: prompt, sampling: { maxTokens: 5 }, stream: false });
    expect(whole.messages).toHaveLength(1);
    expect(whole.messages[0]?.value).toMatchObject({ outputIds: streamed.outputs[0], completionTokens: 5 });
  });

  it("continues on another engine with the very same tokens", async () => {
    await using first = await startSimulator({ speed: 0 });
    await using second = await startSimulator({ speed: 0 });
    using firstClient = new TestClient(first);
    using secondClient = new TestClient(second);
    const sampling = { temperature: 0.8, seed: 7, maxTokens: 40, ignoreEos: true };
    const whole = (await firstClient.run({ ids: prompt, sampling })).outputs[0] ?? [];
    expect(whole).toHaveLength(40);
    for (const cut of [1, 17, 39]) {
      // oxlint-disable-next-line no-await-in-loop -- one after another keeps a failure readable
      const rest = await secondClient.run({
        ids: [...prompt, ...whole.slice(0, cut)],
        sampling: { ...sampling, maxTokens: 40 - cut },
      });
      expect(rest.outputs[0]).toEqual(whole.slice(cut));
    }
  });

  it("leaves nothing behind when the client goes away", async () => {
    await using simulator = await startSimulator({ stepMs: 1 });
    using client = new TestClient(simulator);
    const call = client.start({ ids: prompt, sampling: { maxTokens: 10_000, ignoreEos: true } });
    call.on("error", () => undefined);
    await new Promise((resolve) => call.once("data", resolve));
    expect(simulator.runningRequests).toBe(1);
    call.cancel();
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(0);
    await expect.poll(() => simulator.openStreams, { timeout: 5000 }).toBe(0);
    expect(simulator.abortCount).toBe(1);
  });

  it("answers the questions of a router", async () => {
    await using simulator = await startSimulator();
    using client = new TestClient(simulator);
    const health = await unary((done) => client.engine.healthCheck({}, done));
    expect(health).toEqual({ healthy: true, message: "Health" });
    const info = await unary((done) => client.engine.getModelInfo({}, done));
    expect(info).toMatchObject({ servedModelName: "simulated", isGeneration: true });
    const standard = await unary((done) => client.health.check({ service: "" }, done));
    expect(standard).toEqual({ status: 1 });
  });
});
