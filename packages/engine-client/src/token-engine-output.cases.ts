import { expect, it } from "vitest";
import type { DialectKit } from "../test/dialect-kit.ts";
import { frameBytes } from "../test/engine-messages.ts";
import { sendPieces, startRawEngine } from "../test/raw-engine.ts";
import { RecordingSink } from "../test/recording-sink.ts";
import { sampleRequest } from "../test/sample-request.ts";

/** Content and order of what the sink hears. */
export function runOutputCases(kit: DialectKit): void {
  const threeTokens = [
    kit.chunk({ tokenIds: [11], cachedTokens: 2 }),
    kit.chunk({ tokenIds: [12] }),
    kit.chunk({ tokenIds: [13] }),
    kit.complete({ tokenIds: [13] }),
  ];

  it("gives chunks as outputs, the complete as the end of its sequence, and never repeats the last delta", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        for (const message of threeTokens) call.write(message);
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
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
    expect(sink.first("output").output).toMatchObject({
      index: 0,
      promptTokens: 3,
      cachedTokens: kit.reportsCachedTokens ? 2 : 0,
    });
    expect(sink.first("finish").finish).toEqual({
      reason: "length",
      matchedStop: undefined,
      kvTransferParams: undefined,
    });
    await engine.idle();
    await connection.close();
  });

  it("gives the complete as the output when the answer is not streamed", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.whole({ tokenIds: [1, 2, 3], finishReason: "stop" }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ stream: false }), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.tokenIds()).toEqual([1, 2, 3]);
    expect(sink.first("finish").finish.reason).toBe("stop");
    await engine.idle();
    await connection.close();
  });

  it("puts messages together that arrive byte by byte", async () => {
    const bytes = Buffer.concat(threeTokens.map((message) => kit.frame(message)));
    await using engine = await startRawEngine((stream) => {
      sendPieces(
        stream,
        Array.from(bytes, (byte) => Buffer.of(byte)),
      );
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.tokenIds()).toEqual([11, 12, 13]);
    expect(sink.events.at(-1)).toEqual({ kind: "end" });
    await connection.close();
  });

  it("takes several messages from one frame and flushes once", async () => {
    await using engine = await startRawEngine((stream) =>
      sendPieces(stream, [Buffer.concat(threeTokens.map((message) => kit.frame(message)))]),
    );
    const connection = kit.connect(engine.address);
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
    await using engine = await startRawEngine((stream) => {
      sendPieces(stream, [
        frameBytes(kit.withUnknownFields),
        frameBytes(Buffer.from([0xf8, 0x7f, 0x01])),
        kit.frame(kit.complete({ tokenIds: [11] })),
      ]);
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds(true)).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.tokenIds()).toEqual([11]);
    await connection.close();
  });

  it("serves many streams at once", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        const base = Number(call.request.requestId) * 1000;
        for (let token = 0; token < 20; token++) call.write(kit.chunk({ tokenIds: [base + token] }));
        call.write(kit.complete({ tokenIds: [base + 19] }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
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
