import type { GenerateRequest } from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import type { EngineTransport } from "../src/index.ts";
import { vllmEngineKit } from "./dialect-kit.ts";
import { chunk, complete } from "./engine-messages.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { startScriptedEngine } from "./scripted-engine.ts";

const TRANSPORTS: readonly EngineTransport[] = ["http2", "grpc-js"];

describe.each(TRANSPORTS)("VllmEngine over %s", (transport) => {
  const kit = vllmEngineKit(transport);

  it("keeps the sequences of one call apart", async () => {
    await using engine = await startScriptedEngine({
      generate: (call) => {
        call.write(chunk({ tokenIds: [10], index: 0 }));
        call.write(chunk({ tokenIds: [20], index: 1 }));
        call.write(chunk({ tokenIds: [21], index: 1 }));
        call.write(complete({ tokenIds: [21], index: 1, finishReason: "stop" }));
        call.write(chunk({ tokenIds: [11], index: 0 }));
        call.write(complete({ tokenIds: [11], index: 0 }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ sampling: { n: 2 } }), sink);
    await sink.over();
    expect(sink.tokenIds(0)).toEqual([10, 11]);
    expect(sink.tokenIds(1)).toEqual([20, 21]);
    const finished = sink.events.flatMap((event) => (event.kind === "finish" ? [event.index] : []));
    expect(finished).toEqual([1, 0]);
    expect(sink.events.at(-1)).toEqual({ kind: "end" });
    await engine.idle();
    await connection.close();
  });

  it("carries a prompt of any length, rank, connector parameters and metadata", async () => {
    let received: GenerateRequest | undefined;
    let traceparent: unknown;
    await using engine = await startScriptedEngine({
      generate: (call) => {
        received = call.request;
        traceparent = call.metadata.get("traceparent");
        call.write(complete({ tokenIds: [1] }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const tokenIds = Int32Array.from({ length: 400_000 }, (_, at) => (at * 7919) % 200_000);
    const sink = new RecordingSink();
    connection.engine.generate(
      sampleRequest({
        requestId: "chatcmpl-ü",
        tokenIds,
        rank: 0,
        kvTransferParams: '{"do_remote_decode":true}',
        metadata: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        sampling: { temperature: 0, seed: -5, logprobs: 0, n: 1 },
      }),
      sink,
    );
    await sink.over();
    expect(sink.events.at(-1)).toEqual({ kind: "end" });
    expect(received?.input?.$case).toBe("tokenized");
    const ids = received?.input?.$case === "tokenized" ? received.input.value.inputIds : [];
    expect(ids.length).toBe(tokenIds.length);
    expect(ids.every((id, at) => id === tokenIds[at])).toBe(true);
    expect(received).toMatchObject({
      requestId: "chatcmpl-ü",
      dataParallelRank: 0,
      kvTransferParamsJson: '{"do_remote_decode":true}',
      samplingParams: {
        temperature: 0,
        topP: 1,
        repetitionPenalty: 1,
        maxTokens: 16,
        seed: -5,
        logprobs: 0,
        n: 1,
      },
    });
    expect(traceparent).toEqual(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]);
    await engine.idle();
    await connection.close();
  });

  it("refuses a seed it cannot carry", async () => {
    await using engine = await startScriptedEngine({ generate: () => {} });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ sampling: { seed: 2 ** 31 } }), sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "unimplemented", notStarted: true });
    expect(sink.first("error").error.message).toContain("seed");
    await connection.close();
  });
});
