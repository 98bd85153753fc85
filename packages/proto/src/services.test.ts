import { once } from "node:events";
import { credentials, Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type GenerateResponse, KvEventBatch, ServingStatus } from "./messages.ts";
import {
  HealthClient,
  type HealthServer,
  HealthService,
  VllmEngineClient,
  type VllmEngineServer,
  VllmEngineService,
} from "./services.ts";

const refuse: VllmEngineServer["healthCheck"] = (_call, callback) => {
  callback({ code: status.UNIMPLEMENTED });
};

async function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
}

describe("services", () => {
  it("carry unary and streaming calls between a server and a client", async () => {
    const engine: Partial<VllmEngineServer> = {
      healthCheck: refuse,
      generate: (call) => {
        const { requestId } = call.request;
        call.write({
          response: {
            $case: "complete",
            value: {
              outputIds: [1, 2, 4_000_000_000],
              finishReason: requestId,
              promptTokens: 3,
              completionTokens: 3,
              cachedTokens: 0,
              outputLogprobs: undefined,
              inputLogprobs: undefined,
              index: 0,
              kvTransferParams: undefined,
              matchedStop: undefined,
              specAcceptedTokens: 0,
              specDraftTokens: 0,
              mediaIdentity: undefined,
            },
          },
        });
        call.end();
      },
    };
    const health: Partial<HealthServer> = {
      check: (_call, callback) => {
        callback(null, { status: ServingStatus.SERVING });
      },
    };
    const server = new Server();
    server.addService(VllmEngineService, engine);
    server.addService(HealthService, health);
    const address = await listen(server);
    const engineClient = new VllmEngineClient(address, credentials.createInsecure());
    const healthClient = new HealthClient(address, credentials.createInsecure());
    try {
      const stream = engineClient.generate({
        requestId: "length",
        stream: false,
        extraMmInputs: [],
        input: { $case: "text", value: "hello" },
        samplingParams: undefined,
        kvTransferParams: undefined,
        mmInputs: undefined,
        mediaRefs: undefined,
      });
      const [message] = (await once(stream, "data")) as [GenerateResponse];
      expect(message.response).toMatchObject({
        $case: "complete",
        value: { outputIds: [1, 2, 4_000_000_000], finishReason: "length" },
      });
      const checked = await new Promise((resolve, reject) => {
        healthClient.check({ service: "" }, new Metadata(), {}, (error, response) => {
          if (error === null) resolve(response);
          else reject(error);
        });
      });
      expect(checked).toEqual({ status: ServingStatus.SERVING });
      const code = await new Promise((resolve) => {
        engineClient.healthCheck({}, (error) => {
          resolve(error?.code);
        });
      });
      expect(code).toBe(status.UNIMPLEMENTED);
    } finally {
      engineClient.close();
      healthClient.close();
      server.forceShutdown();
    }
  });
});

describe("64-bit fields", () => {
  it("keep every bit", () => {
    const batch = KvEventBatch.fromPartial({
      sequenceNumber: 18_446_744_073_709_551_615n,
      events: [
        {
          eventId: 1n,
          data: {
            $case: "stored",
            value: {
              parentBlockHash: -9_223_372_036_854_775_808n,
              blocks: [{ blockHash: -1n, tokenIds: [7], blockSize: 1 }],
            },
          },
        },
        {
          eventId: 2n,
          data: {
            $case: "removed",
            value: { blockHashes: [9_007_199_254_740_993n, -9_007_199_254_740_993n] },
          },
        },
      ],
    });
    const back = KvEventBatch.decode(KvEventBatch.encode(batch).finish());
    expect(back.sequenceNumber).toBe(18_446_744_073_709_551_615n);
    expect(back.events[0]?.data?.value).toMatchObject({
      parentBlockHash: -9_223_372_036_854_775_808n,
      blocks: [{ blockHash: -1n }],
    });
    expect(back.events[1]?.data?.value).toMatchObject({
      blockHashes: [9_007_199_254_740_993n, -9_007_199_254_740_993n],
    });
  });
});
