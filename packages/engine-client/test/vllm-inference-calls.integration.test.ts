import type { InferenceGenerateRequest } from "@vllm-router/proto/messages";
import {
  GetKvEventSourcesResponse,
  InferenceGenerateResponse,
  ModelInfo,
  ServerInfo,
} from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import {
  connectEngine,
  type EngineTransport,
  type GenerateRequest,
  type InferenceConnection,
} from "../src/index.ts";
import { inferenceKit } from "./dialect-kit.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { startScriptedInference } from "./scripted-engine.ts";
import { turns, waitUntil } from "./wait-until.ts";

const TRANSPORTS: readonly EngineTransport[] = ["http2", "grpc-js"];

function connectTo(address: string, transport: EngineTransport = "http2"): InferenceConnection {
  const connection = connectEngine({ dialect: "vllm-inference", address, secure: false }, { transport });
  if (connection.dialect !== "vllm-inference") throw new Error(connection.dialect);
  return connection;
}

describe.each(TRANSPORTS)("vllm.Inference over %s", (transport) => {
  const kit = inferenceKit(transport);

  it("carries a prompt of any length, rank, metadata and the fields VllmEngine has no place for", async () => {
    let received: InferenceGenerateRequest | undefined;
    let metadata: unknown;
    await using engine = await startScriptedInference({
      generate: (call) => {
        received = call.request;
        metadata = [call.metadata.get("traceparent"), call.metadata.get("x-data-parallel-rank")];
        call.write(kit.whole({ tokenIds: [1] }) as InferenceGenerateResponse);
        call.end();
      },
    });
    const connection = connectTo(engine.address, transport);
    const tokenIds = Int32Array.from({ length: 400_000 }, (_, at) => (at * 7919) % 200_000);
    const sink = new RecordingSink();
    connection.engine.generate(
      sampleRequest({
        requestId: "chatcmpl-ü",
        tokenIds,
        rank: 3,
        priority: -7,
        cacheSalt: "salt",
        sessionId: "conversation",
        loraName: "adapter",
        kvTransferParams: '{"do_remote_decode":true,"port":5600}',
        metadata: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        sampling: { seed: -(2 ** 52), allowedTokenIds: [5, 6] },
      }),
      sink,
    );
    await sink.over();
    expect(sink.events.at(-1)).toEqual({ kind: "end" });
    const ids = received?.prompt?.$case === "tokenIds" ? received.prompt.value.ids : [];
    expect(ids.length).toBe(tokenIds.length);
    expect(ids.every((id, at) => id === tokenIds[at])).toBe(true);
    expect(received).toMatchObject({
      requestId: "chatcmpl-ü",
      priority: -7,
      sessionId: "conversation",
      loraName: "adapter",
      kv: { cacheSalt: "salt", kvTransferParams: { do_remote_decode: true, port: 5600 } },
      sampling: { seed: BigInt(-(2 ** 52)) },
      decoding: { allowedTokenIds: [5, 6] },
    });
    expect(metadata).toEqual([["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], ["3"]]);
    await connection.close();
  });

  it("aborts given-up calls by their ids, all of one turn at once", async () => {
    const aborted: (readonly string[])[] = [];
    await using engine = await startScriptedInference({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }) as InferenceGenerateResponse);
      },
      control: {
        abort: (call, callback) => {
          aborted.push(call.request.requestIds);
          callback(null, {});
        },
      },
    });
    const connection = connectTo(engine.address, transport);
    const sinks = ["a", "b"].map((requestId) => {
      const sink = new RecordingSink();
      return { sink, call: connection.engine.generate(sampleRequest({ requestId }), sink) };
    });
    await Promise.all(sinks.map(async ({ sink }) => sink.until(() => sink.events.length > 0, "output")));
    for (const { call } of sinks) call.cancel();
    await waitUntil(() => aborted.length > 0 && engine.cancelledCalls === 2, "the engine hears of it");
    await turns();
    expect(aborted).toEqual([["a", "b"]]);
    await connection.close();
  });

  it("takes an aborted sequence for a failed one", async () => {
    await using engine = await startScriptedInference({
      generate: (call) => {
        call.write(
          InferenceGenerateResponse.fromPartial({
            outputs: { finishInfo: { finishReason: 3, numOutputTokens: 0 } },
          }),
        );
        call.end();
      },
    });
    const connection = connectTo(engine.address, transport);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.first("finish").finish.reason).toBe("error");
    await connection.close();
  });

  it.each<readonly [string, Partial<GenerateRequest>, object]>([
    ["n", {}, { n: 2 }],
    ["seed", {}, { seed: 2 ** 60 }],
    ["max_tokens", {}, { maxTokens: 2 ** 32 }],
    ["priority", { priority: 2 ** 31 }, {}],
    ["kv_transfer_params", { kvTransferParams: '{"id":12345678901234567890}' }, {}],
    ["kv_transfer_params", { kvTransferParams: "[1]" }, {}],
    ["ec_transfer_params", { ecTransferParams: "{" }, {}],
  ])("refuses a value of %s it cannot carry", async (field, request, sampling) => {
    await using engine = await startScriptedInference({ generate: () => {} });
    const connection = connectTo(engine.address, transport);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ ...request, sampling }), sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "unimplemented", notStarted: true });
    expect(sink.first("error").error.message).toContain(field);
    await connection.close();
  });
});

describe("vllm.Control", () => {
  it("tells names, limits and health", async () => {
    await using engine = await startScriptedInference({
      generate: () => {},
      control: {
        getModelInfo: (_call, callback) =>
          callback(
            null,
            ModelInfo.fromPartial({
              modelId: "/models/qwen",
              servedModelName: "qwen",
              servedModelAliases: ["qwen", "best"],
              supportsTokenIdsInput: true,
              reasoningParser: "qwen3",
            }),
          ),
        getServerInfo: (_call, callback) =>
          callback(
            null,
            ServerInfo.fromPartial({
              engineVersion: "0.32.0",
              maxModelLen: 2048,
              kvBlockSize: 16,
              maxRunningRequests: 256n,
              parallelism: { dataParallelSize: 4 },
            }),
          ),
        getKvEventSources: (_call, callback) =>
          callback(
            null,
            GetKvEventSourcesResponse.fromPartial({
              sources: [
                {
                  transport: "zmq",
                  endpoint: "tcp://*:5557",
                  topic: "kv",
                  replayEndpoint: "tcp://*:5558",
                  dataParallelRank: 1,
                  encoding: "msgpack",
                  schemaVersion: 1,
                  bufferSteps: 123n,
                  hwm: 4567n,
                  maxQueueSize: 8901n,
                },
              ],
            }),
          ),
      },
      health: { check: (_call, callback) => callback(null, { status: 1 }) },
    });
    const connection = connectTo(engine.address);
    const { admin } = connection;
    expect(await admin.getModelInfo()).toEqual({
      modelPath: "/models/qwen",
      servedModelNames: ["qwen", "best"],
      supportsTokenIds: true,
      supportsLora: false,
      reasoningParser: "qwen3",
      toolCallParser: "",
    });
    expect(await admin.getServerInfo()).toEqual({
      version: "0.32.0",
      maxContextTokens: 2048,
      kvBlockTokens: 16,
      maxRunningRequests: 256,
      dataParallelSize: 4,
    });
    expect(await admin.getKvEventSources()).toEqual([
      {
        transport: "zmq",
        endpoint: "tcp://*:5557",
        topic: "kv",
        replayEndpoint: "tcp://*:5558",
        rank: 1,
        encoding: "msgpack",
        schemaVersion: 1,
        replayBatches: 123,
      },
    ]);
    expect(await admin.standardHealth()).toBe("serving");
    await expect(admin.abort(["x"])).rejects.toMatchObject({ code: "unimplemented" });
    await connection.close();
  });
});
