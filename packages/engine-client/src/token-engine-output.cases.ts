import type { GenerateRequest } from "@vllm-router/proto/messages";
import { expect, it } from "vitest";
import type { ConnectForCases } from "../test/connect-for-cases.ts";
import { chunk, complete, frame, frameBytes } from "../test/engine-messages.ts";
import { sendPieces, startRawEngine } from "../test/raw-engine.ts";
import { RecordingSink } from "../test/recording-sink.ts";
import { sampleRequest } from "../test/sample-request.ts";
import { startScriptedEngine } from "../test/scripted-engine.ts";

const THREE_TOKENS = [
  chunk({ tokenIds: [11], cachedTokens: 2 }),
  chunk({ tokenIds: [12] }),
  chunk({ tokenIds: [13] }),
  complete({ tokenIds: [13] }),
];

/** Content and order of what the sink hears. */
export function runOutputCases(connect: ConnectForCases): void {
  it("gives chunks as outputs, the complete as the end of its sequence, and never repeats the last delta", async () => {
    await using engine = await startScriptedEngine({
      generate: (call) => {
        for (const message of THREE_TOKENS) call.write(message);
        call.end();
      },
    });
    const connection = connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.kinds().filter((kind) => kind !== "flush")).toEqual([
      "output",
      "output",
      "output",
      "finish",
      "end",
    ]);
    expect(sink.kinds().slice(-2)).toEqual(["flush", "end"]);
    expect(sink.tokenIds()).toEqual([11, 12, 13]);
    expect(sink.first("output").output).toMatchObject({ index: 0, promptTokens: 3, cachedTokens: 2 });
    expect(sink.first("finish").finish).toEqual({
      reason: "length",
      matchedStop: undefined,
      kvTransferParams: undefined,
    });
    await engine.idle();
    await connection.close();
  });

  it("gives the complete as the output when the answer is not streamed", async () => {
    await using engine = await startScriptedEngine({
      generate: (call) => {
        expect(call.request.stream).toBe(false);
        call.write(complete({ tokenIds: [1, 2, 3], finishReason: "stop" }));
        call.end();
      },
    });
    const connection = connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ stream: false }), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.tokenIds()).toEqual([1, 2, 3]);
    expect(sink.first("finish").finish.reason).toBe("stop");
    await engine.idle();
    await connection.close();
  });

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
    const connection = connect(engine.address);
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

  it("puts messages together that arrive byte by byte", async () => {
    const bytes = Buffer.concat(THREE_TOKENS.map(frame));
    await using engine = await startRawEngine((stream) => {
      sendPieces(
        stream,
        Array.from(bytes, (byte) => Buffer.of(byte)),
      );
    });
    const connection = connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.tokenIds()).toEqual([11, 12, 13]);
    expect(sink.events.at(-1)).toEqual({ kind: "end" });
    await connection.close();
  });

  it("takes several messages from one frame and flushes once", async () => {
    await using engine = await startRawEngine((stream) =>
      sendPieces(stream, [Buffer.concat(THREE_TOKENS.map(frame))]),
    );
    const connection = connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds().filter((kind) => kind !== "flush")).toEqual([
      "output",
      "output",
      "output",
      "finish",
      "end",
    ]);
    expect(sink.tokenIds()).toEqual([11, 12, 13]);
    await connection.close();
  });

  it("passes over fields and messages it does not know", async () => {
    const withUnknown = Buffer.concat([
      Buffer.from([0x0a, 0x0a, 0x0a, 0x01, 0x0b, 0x9a, 0x06, 0x02, 0xaa, 0xbb, 0x10, 0x03]),
      Buffer.from([0xf8, 0x7f, 0x01]),
    ]);
    await using engine = await startRawEngine((stream) => {
      sendPieces(stream, [
        frameBytes(withUnknown),
        frameBytes(Buffer.from([0xf8, 0x7f, 0x01])),
        frame(complete({ tokenIds: [11] })),
      ]);
    });
    const connection = connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds(true)).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.tokenIds()).toEqual([11]);
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
    const connection = connect(engine.address);
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

  it("serves many streams at once", async () => {
    await using engine = await startScriptedEngine({
      generate: (call) => {
        const base = Number(call.request.requestId) * 1000;
        for (let token = 0; token < 20; token++) call.write(chunk({ tokenIds: [base + token] }));
        call.write(complete({ tokenIds: [base + 19] }));
        call.end();
      },
    });
    const connection = connect(engine.address);
    const sinks = Array.from({ length: 150 }, (_, at) => {
      const sink = new RecordingSink();
      connection.engine.generate(sampleRequest({ requestId: String(at) }), sink);
      return sink;
    });
    await Promise.all(sinks.map(async (sink) => sink.over()));
    for (const [at, sink] of sinks.entries()) {
      expect(sink.tokenIds()).toEqual(Array.from({ length: 20 }, (_, token) => at * 1000 + token));
      expect(sink.kinds().filter((kind) => kind === "end" || kind === "error")).toEqual(["end"]);
    }
    await engine.idle();
    await connection.close();
  });
}
