import { credentials } from "@grpc/grpc-js";
import { GenerateRequest } from "@vllm-router/proto/messages";
import { VllmEngineClient } from "@vllm-router/proto/services";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";

describe("the example of the README", () => {
  it("runs", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    const client = new VllmEngineClient(simulator.address, credentials.createInsecure());
    const request = GenerateRequest.fromPartial({
      requestId: "example",
      input: { $case: "tokenized", value: { inputIds: [1, 2, 3] } },
      samplingParams: { temperature: 0, maxTokens: 5 },
      stream: true,
    });
    const ids: number[] = [];
    for await (const { response } of client.generate(request)) {
      if (response?.$case === "chunk") ids.push(...response.value.tokenIds);
    }
    client.close();
    expect(ids).toHaveLength(5);
    expect(simulator.requests[0]?.id).toBe("example");
  });
});
