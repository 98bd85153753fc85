import { connect } from "node:http2";
import { GenerateRequest, GenerateResponse } from "@vllm-router/proto/messages";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { finishCall, grpcFrame, grpcMessages, openCall } from "./raw-grpc.ts";

const service = "/vllm.grpc.engine.VllmEngine";

function generateFrame(maxTokens: number, stream = true): Buffer {
  const request = GenerateRequest.fromPartial({
    input: { $case: "tokenized", value: { inputIds: [1, 2, 3] } },
    samplingParams: { temperature: 0, ignoreEos: true, maxTokens, repetitionPenalty: 1 },
    stream,
  });
  return grpcFrame(GenerateRequest.encode(request).finish());
}

describe("gRPC server", () => {
  it.each([
    { what: "an unknown method", method: "Nothing", body: Buffer.alloc(5), code: "12" },
    { what: "a truncated message", method: "HealthCheck", body: Buffer.from([0, 0, 0, 0, 9, 1]), code: "13" },
    { what: "a compressed message", method: "HealthCheck", body: Buffer.from([1, 0, 0, 0, 0]), code: "12" },
    { what: "no message", method: "HealthCheck", body: Buffer.alloc(0), code: "13" },
    { what: "bytes that are no message", method: "Abort", body: grpcFrame(Buffer.from([10, 9])), code: "13" },
  ])("answers $what with a status", async ({ method, body, code }) => {
    await using simulator = await startSimulator();
    const session = connect(`http://${simulator.address}`);
    const answer = await finishCall(openCall(session, { ":path": `${service}/${method}` }, body));
    expect(answer).toMatchObject({ ":status": 200, "grpc-status": code });
    session.close();
  });

  it("ends a call at its deadline and frees its work", async () => {
    await using simulator = await startSimulator({ faults: { isHanging: true } });
    const session = connect(`http://${simulator.address}`);
    const headers = { ":path": `${service}/Generate`, "grpc-timeout": "50m" };
    expect(await finishCall(openCall(session, headers, generateFrame(3)))).toMatchObject({
      "grpc-status": "4",
    });
    expect(simulator.runningRequests).toBe(0);
    session.close();
  });

  it("gathers tokens for a client that does not read, and loses none", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    const session = connect(`http://${simulator.address}`);
    const count = 14_000;
    const headers = { ":path": `${service}/Generate` };
    const slow = openCall(session, headers, generateFrame(count));
    await expect.poll(() => simulator.generatedTokens, { timeout: 10_000 }).toBe(count);
    const chunks = grpcMessages(Buffer.concat(await slow.toArray())).map((message) => {
      const { response } = GenerateResponse.decode(message);
      return response?.$case === "chunk" ? response.value.tokenIds : [];
    });
    expect(chunks.length).toBeLessThan(count);
    const whole = openCall(session, headers, generateFrame(count, false));
    const [complete] = grpcMessages(Buffer.concat(await whole.toArray()));
    const { response } = GenerateResponse.decode(complete ?? new Uint8Array());
    expect(response?.$case === "complete" ? response.value.outputIds : []).toEqual(chunks.flat());
    session.close();
  });
});
