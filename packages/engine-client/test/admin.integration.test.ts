import { createHash } from "node:crypto";
import { status } from "@grpc/grpc-js";
import {
  GetModelInfoResponse,
  GetServerInfoResponse,
  KvEventBatch,
  SchedulerLoad,
  ServingStatus,
} from "@vllm-router/proto/messages";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import {
  connectEngine,
  type EngineError,
  type EngineTransport,
  type VllmEngineConnection,
} from "../src/index.ts";
import { type EngineScript, type ScriptedEngine, startScriptedEngine } from "./scripted-engine.ts";
import { turns, waitUntil } from "./wait-until.ts";

const TRANSPORTS = ["net", "http2", "grpc-js"] as const satisfies readonly EngineTransport[];

async function start(
  transport: EngineTransport,
  script: EngineScript,
): Promise<{ engine: ScriptedEngine; connection: VllmEngineConnection } & AsyncDisposable> {
  const engine = await startScriptedEngine(script);
  const description = { dialect: "vllm-engine", address: engine.address, secure: false } as const;
  const connection = connectEngine(description, { transport });
  if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
  return {
    engine,
    connection,
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      engine.kill();
    },
  };
}

const ARCHIVE = Buffer.from(
  zipSync({ "tokenizer.json": strToU8("{}".repeat(50_000)), "config.json": strToU8("{}") }),
);
const DIGEST = createHash("sha256").update(ARCHIVE).digest("hex");

function tokenizerScript(archive: Buffer, sha256: string, pieceBytes = 4096): EngineScript {
  return {
    engine: {
      getTokenizer: (call) => {
        for (let at = 0; at < archive.length; at += pieceBytes) {
          const isLast = at + pieceBytes >= archive.length;
          call.write({ data: archive.subarray(at, at + pieceBytes), sha256: isLast ? sha256 : "" });
        }
        call.end();
      },
    },
  };
}

describe.each(TRANSPORTS)("admin calls over %s", (transport) => {
  it("read the model's and the server's data", async () => {
    await using setup = await start(transport, {
      engine: {
        getModelInfo: (_call, callback) =>
          callback(
            null,
            GetModelInfoResponse.fromPartial({
              modelPath: "/models/tiny",
              servedModelName: "['tiny', \"tiny-2\"]",
              maxContextLength: 2048,
              vocabSize: 151_936,
              isGeneration: true,
              eosTokenIds: [151_645],
              defaultSamplingParamsJson: '{"temperature":0.6,"top_k":20}',
            }),
          ),
        getServerInfo: (_call, callback) =>
          callback(
            null,
            GetServerInfoResponse.fromPartial({
              serverType: "vllm-grpc",
              blockSize: 16,
              maxNumSeqs: 256,
              dataParallelSize: 2,
            }),
          ),
      },
    });
    expect(await setup.connection.admin.getModelInfo()).toMatchObject({
      modelPath: "/models/tiny",
      servedModelNames: ["tiny", "tiny-2"],
      maxContextTokens: 2048,
      vocabularySize: 151_936,
      eosTokenIds: [151_645],
      defaultSamplingParameters: { temperature: 0.6, top_k: 20 },
    });
    expect(await setup.connection.admin.getServerInfo()).toMatchObject({
      serverType: "vllm-grpc",
      kvBlockTokens: 16,
      maxRunningRequests: 256,
      dataParallelSize: 2,
    });
  });

  it("check health both ways", async () => {
    await using setup = await start(transport, {
      engine: { healthCheck: (_call, callback) => callback(null, { healthy: true, message: "Health" }) },
      health: {
        check: (call, callback) => {
          if (call.request.service === "nothing")
            callback({ code: status.NOT_FOUND, details: "Unknown service: nothing" });
          else
            callback(null, {
              status: call.request.service === "" ? ServingStatus.NOT_SERVING : ServingStatus.SERVING,
            });
        },
      },
    });
    const { admin } = setup.connection;
    expect(await admin.healthCheck()).toEqual({ healthy: true, message: "Health" });
    expect(await admin.standardHealth()).toBe("serving");
    expect(await admin.standardHealth("")).toBe("not-serving");
    await expect(admin.standardHealth("nothing")).rejects.toMatchObject({
      code: "rejected",
      message: "Unknown service: nothing",
    });
  });

  it("embed, abort, flush and read loads", async () => {
    const aborted: string[] = [];
    const traces: unknown[] = [];
    await using setup = await start(transport, {
      engine: {
        embed: (call, callback) => {
          traces.push(...call.metadata.get("traceparent"));
          callback(null, {
            embedding: call.request.tokenized?.inputIds ?? [],
            promptTokens: call.request.tokenized?.inputIds.length ?? 0,
            embeddingDim: 3,
          });
        },
        abort: (call, callback) => {
          aborted.push(...call.request.requestIds);
          callback(null, {});
        },
        flushCache: (call, callback) =>
          callback(null, { success: true, message: `waited ${call.request.timeoutS}` }),
        getLoads: (_call, callback) =>
          callback(null, {
            timestamp: "",
            version: "0.32.0",
            dpRankCount: 1,
            loads: [SchedulerLoad.fromPartial({ numRunningReqs: 3, tokenUsage: 0.5 })],
          }),
      },
    });
    const { admin } = setup.connection;
    const embedding = await admin.embed(
      { requestId: "e", tokenIds: Int32Array.of(1, 2, 3) },
      { metadata: { traceparent: "00-1" } },
    );
    expect(embedding).toEqual({ values: [1, 2, 3], promptTokens: 3 });
    expect(traces).toEqual(["00-1"]);
    await admin.abort(["a", "b"]);
    expect(aborted).toEqual(["a", "b"]);
    expect(await admin.flushCache({ idleTimeoutSeconds: 2 })).toEqual({ success: true, message: "waited 2" });
    const { version, loads } = await admin.getLoads();
    expect(version).toBe("0.32.0");
    expect(loads[0]).toMatchObject({ numRunningReqs: 3, tokenUsage: 0.5 });
  });

  it("end at their deadline, when cancelled, and when the engine does not know them", async () => {
    await using setup = await start(transport, { engine: { getServerInfo: () => {} } });
    const { admin } = setup.connection;
    await expect(admin.getServerInfo({ deadlineAtMs: Date.now() + 100 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    const controller = new AbortController();
    const pending = admin.getServerInfo({ signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "cancelled" });
    await expect(admin.getServerInfo({ signal: controller.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
    await expect(admin.getModelInfo()).rejects.toMatchObject({ code: "unimplemented" });
  });
});

describe.each(TRANSPORTS)("getTokenizer() over %s", (transport) => {
  it("puts the pieces together and unpacks them", async () => {
    await using setup = await start(transport, tokenizerScript(ARCHIVE, DIGEST.toUpperCase(), 100));
    const bundle = await setup.connection.admin.getTokenizer();
    expect(bundle.sha256).toBe(DIGEST);
    expect([...bundle.files.keys()]).toEqual(["tokenizer.json", "config.json"]);
    expect(bundle.files.get("tokenizer.json")?.length).toBe(100_000);
  });

  it.each<readonly [string, EngineScript, string]>([
    ["without a digest", tokenizerScript(ARCHIVE, ""), "without a digest"],
    ["with another digest", tokenizerScript(ARCHIVE, "0".repeat(64)), "has the digest"],
    [
      "that is no zip",
      tokenizerScript(Buffer.alloc(100), createHash("sha256").update(Buffer.alloc(100)).digest("hex")),
      "not a zip",
    ],
    ["of nothing", tokenizerScript(Buffer.alloc(0), ""), "without a digest"],
  ])("refuses an archive %s", async (_what, script, message) => {
    await using setup = await start(transport, script);
    await expect(setup.connection.admin.getTokenizer()).rejects.toMatchObject({
      code: "protocol",
      message: expect.stringContaining(message),
    });
  });

  it("keeps to its limits", async () => {
    await using setup = await start(transport, tokenizerScript(ARCHIVE, DIGEST, 100));
    const { admin } = setup.connection;
    await expect(admin.getTokenizer({ maxArchiveBytes: 200 })).rejects.toThrow("larger than 200 bytes");
    await expect(admin.getTokenizer({ maxUnpackedBytes: 50_000 })).rejects.toThrow("more than 50000 bytes");
    await expect(admin.getTokenizer({ maxFiles: 1 })).rejects.toThrow("holds 2 files");
  });

  it("can be cancelled, and passes on the engine's refusal", async () => {
    await using setup = await start(transport, { engine: { getTokenizer: () => {} } });
    const controller = new AbortController();
    const pending = setup.connection.admin.getTokenizer({ signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "cancelled" });
    await using refusing = await start(transport, {
      engine: {
        getTokenizer: (call) => {
          call.emit("error", { code: status.FAILED_PRECONDITION, details: "no tokenizer path" });
        },
      },
    });
    await expect(refusing.connection.admin.getTokenizer()).rejects.toMatchObject({
      code: "rejected",
      message: "no tokenizer path",
    });
  });
});

describe.each(TRANSPORTS)("subscribeKvEvents() over %s", (transport) => {
  it("gives batches in order until it is stopped", async () => {
    let isCancelled = false;
    let request: unknown;
    await using setup = await start(transport, {
      engine: {
        subscribeKvEvents: (call) => {
          request = call.request;
          call.on("cancelled", () => {
            isCancelled = true;
          });
          for (let at = 1; at <= 3; at++) {
            call.write(
              KvEventBatch.fromPartial({
                sequenceNumber: BigInt(at),
                events: [{ eventId: 1n, data: { $case: "removed", value: { blockHashes: [-1n] } } }],
              }),
            );
          }
        },
      },
    });
    const batches: KvEventBatch[] = [];
    const ends: unknown[] = [];
    const subscription = setup.connection.admin.subscribeKvEvents(
      {
        batch: (batch) => {
          batches.push(batch);
        },
        end: (error) => {
          ends.push(error);
        },
      },
      { startSequenceNumber: 7n },
    );
    await waitUntil(() => batches.length === 3, "three batches");
    subscription.stop();
    await waitUntil(() => isCancelled, "the engine sees the cancellation");
    await turns();
    expect(batches.map((batch) => batch.sequenceNumber)).toEqual([1n, 2n, 3n]);
    expect(batches[0]?.events[0]?.data).toMatchObject({ $case: "removed", value: { blockHashes: [-1n] } });
    expect(request).toEqual({ startSequenceNumber: 7n, loadRecordsBeforeFirstBatch: true });
    expect(ends).toEqual([]);
  });

  it("tells when the engine ends it, in order or not", async () => {
    const ends: (EngineError | undefined)[] = [];
    const listener = {
      batch: () => {},
      end: (error: EngineError | undefined) => {
        ends.push(error);
      },
    };
    await using ending = await start(transport, { engine: { subscribeKvEvents: (call) => call.end() } });
    ending.connection.admin.subscribeKvEvents(listener);
    await waitUntil(() => ends.length === 1, "the end");
    expect(ends[0]).toBeUndefined();
    await using without = await start(transport, { engine: {} });
    without.connection.admin.subscribeKvEvents(listener);
    await waitUntil(() => ends.length === 2, "the error");
    expect(ends[1]).toMatchObject({ code: "unimplemented" });
  });
});
