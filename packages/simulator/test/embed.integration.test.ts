import type { EmbedResponse, GetModelInfoResponse } from "@vllm-router/proto/messages";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { TestClient, unary } from "./engine-client.ts";

function embed(client: TestClient, inputIds: number[]): Promise<EmbedResponse> {
  const request = { requestId: "e", tokenized: { originalText: "", inputIds } };
  return unary((done) => client.engine.embed(request, done));
}

const cosine = (a: EmbedResponse, b: EmbedResponse): number =>
  a.embedding.reduce((sum, value, at) => sum + value * (b.embedding[at] ?? 0), 0);

describe("a model that embeds", () => {
  it("says so, embeds the same everywhere, and likes texts with tokens in common", async () => {
    await using one = await startSimulator({ speed: 0, embeddingSize: 32 });
    await using two = await startSimulator({ speed: 0, embeddingSize: 32 });
    using client = new TestClient(one);
    using other = new TestClient(two);
    const info = await unary<GetModelInfoResponse>((done) => client.engine.getModelInfo({}, done));
    expect(info.isGeneration).toBe(false);
    const first = await embed(client, [1, 2, 3]);
    expect(first).toEqual(await embed(other, [1, 2, 3]));
    expect([first.embeddingDim, first.promptTokens, first.embedding.length]).toEqual([32, 3, 32]);
    expect(cosine(first, first)).toBeCloseTo(1, 5);
    expect(cosine(first, await embed(client, [1, 2, 4]))).toBeGreaterThan(
      cosine(first, await embed(client, [7, 8, 9])),
    );
    expect(one.embeddings.map(({ tokenIds }) => tokenIds)).toEqual([
      [1, 2, 3],
      [1, 2, 4],
      [7, 8, 9],
    ]);
    expect(one.runningEmbeddings).toBe(0);
  });

  it("refuses what the servicer refuses, and generates nothing", async () => {
    await using simulator = await startSimulator({ speed: 0, embeddingSize: 8, maxModelLen: 16 });
    using client = new TestClient(simulator);
    await expect(embed(client, [])).rejects.toMatchObject({ details: "The decoder prompt cannot be empty" });
    await expect(embed(client, [99_999])).rejects.toMatchObject({
      details: "Token id 99999 is out of vocabulary",
    });
    await expect(embed(client, Array<number>(17).fill(1))).rejects.toMatchObject({
      details: expect.stringMatching(/^The decoder prompt \(length 17\) is longer than/),
    });
    const { error } = await client.run({ ids: [1] });
    expect(error?.details).toBe("This model does not support generation");
  });

  it("has the faults of an engine that generates", async () => {
    await using simulator = await startSimulator({ speed: 0, embeddingSize: 8 });
    using client = new TestClient(simulator);
    simulator.faults.errorStatus = "RESOURCE_EXHAUSTED";
    await expect(embed(client, [1])).rejects.toMatchObject({ details: "simulated RESOURCE_EXHAUSTED" });
    simulator.faults.errorStatus = undefined;
    simulator.faults.refuseRate = 1;
    await expect(embed(client, [1])).rejects.toMatchObject({ details: "simulated refusal" });
  });
});
