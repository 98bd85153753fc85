import { expect, it } from "vitest";
import type { DialectKit, KitCall } from "../test/dialect-kit.ts";
import { sendHead, sendPieces, startRawEngine } from "../test/raw-engine.ts";
import { RecordingSink } from "../test/recording-sink.ts";
import { sampleRequest } from "../test/sample-request.ts";
import { turns, waitUntil } from "../test/wait-until.ts";

const TOKENS_PER_CHUNK = 500;
const CHUNKS = 2000;
const WINDOW_BYTES = 256 * 1024;

/** Pausing, resuming, cancelling. */
export function runFlowCases(kit: DialectKit): void {
  it("is silent after a cancel inside output, and ends the engine's work", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        for (let token = 0; token < 5; token++) call.write(kit.chunk({ tokenIds: [token] }));
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), sink);
    sink.onEvent = () => call.cancel();
    await waitUntil(() => engine.cancelledCalls === 1, "the engine sees the cancellation");
    await turns();
    expect(sink.kinds()).toEqual(["output"]);
    call.cancel();
    await engine.idle();
    await connection.close();
  });

  it("is silent after a cancel right away", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
      },
    });
    const connection = kit.connect(engine.address);
    const cancelled = new RecordingSink();
    connection.engine.generate(sampleRequest(), cancelled).cancel();
    const other = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), other);
    await other.until(() => other.events.length > 0, "output");
    call.cancel();
    await turns();
    expect(cancelled.events).toEqual([]);
    await engine.idle();
    await connection.close();
  });

  it("holds no more than the window of a paused stream while another stream flows", async () => {
    let writtenBytes = 0;
    const big = kit.chunk({ tokenIds: Array.from({ length: TOKENS_PER_CHUNK }, (_, at) => 100_000 + at) });
    const bigBytes = kit.frame(big).length;
    const writeBig = (call: KitCall): void => {
      let written = 0;
      const goOn = (): void => {
        while (written < CHUNKS) {
          written++;
          writtenBytes += bigBytes;
          if (!call.write(big)) {
            call.once("drain", goOn);
            return;
          }
        }
        call.write(kit.complete({ tokenIds: [1] }));
        call.end();
      };
      goOn();
    };
    await using engine = await kit.start({
      generate: (call) => {
        if (call.request.requestId === "slow") {
          writeBig(call);
          return;
        }
        for (let token = 0; token < 500; token++) call.write(kit.chunk({ tokenIds: [token] }));
        call.write(kit.complete({ tokenIds: [499] }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address, { streamWindowBytes: WINDOW_BYTES });
    const slow = new RecordingSink();
    const slowCall = connection.engine.generate(sampleRequest({ requestId: "slow" }), slow);
    slow.onEvent = () => {
      slow.onEvent = undefined;
      slowCall.pause();
    };
    await slow.until(() => slow.events.length > 0, "output");
    for (let round = 0; round < 20; round++) {
      const quick = new RecordingSink();
      connection.engine.generate(sampleRequest({ requestId: "quick" }), quick);
      await quick.over();
      expect(quick.tokenIds().length).toBe(500);
    }
    expect(slow.events.length).toBe(1);
    // The window, one read buffer of the client, and what the server's own stream buffers.
    expect(writtenBytes).toBeLessThan(WINDOW_BYTES + 256 * 1024);
    slowCall.resume();
    await slow.over();
    expect(slow.events.at(-1)).toEqual({ kind: "end" });
    expect(slow.tokenIds().length).toBe(CHUNKS * TOKENS_PER_CHUNK);
    await engine.idle();
    await connection.close();
  });

  it("holds back the rest of a frame when the sink pauses inside output", async () => {
    const bytes = [1, 2, 3, 4].map((token) => kit.frame(kit.chunk({ tokenIds: [token] })));
    await using engine = await startRawEngine((stream) => {
      sendPieces(stream, [Buffer.concat([...bytes, kit.frame(kit.complete({ tokenIds: [4] }))])]);
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), sink);
    let paused = 0;
    sink.onEvent = (event) => {
      if (event.kind !== "output") return;
      paused++;
      call.pause();
    };
    for (let token = 1; token <= 4; token++) {
      await sink.until(() => paused === token, `output ${token}`);
      await turns();
      expect(sink.tokenIds().length).toBe(token);
      expect(sink.events.at(-1)?.kind).toBe("output");
      call.resume();
    }
    await sink.over();
    expect(sink.tokenIds()).toEqual([1, 2, 3, 4]);
    expect(sink.kinds().slice(-3)).toEqual(["finish", "flush", "end"]);
    await connection.close();
  });

  it("holds back finish and end of an answer whose only output paused it", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.whole({ tokenIds: [1, 2], finishReason: "stop" }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest({ stream: false }), sink);
    sink.onEvent = () => {
      sink.onEvent = undefined;
      call.pause();
    };
    await sink.until(() => sink.events.length > 0, "output");
    await engine.idle();
    await turns();
    expect(sink.kinds()).toEqual(["output"]);
    call.resume();
    await sink.over();
    expect(sink.kinds()).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.first("finish").finish.reason).toBe("stop");
    await connection.close();
  });

  it("hears nothing of a stream that is paused before it begins", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
        call.write(kit.complete({ tokenIds: [1] }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), sink);
    call.pause();
    const other = new RecordingSink();
    connection.engine.generate(sampleRequest(), other);
    await other.over();
    await turns();
    expect(sink.events).toEqual([]);
    call.resume();
    call.resume();
    await sink.over();
    expect(sink.kinds().filter((kind) => kind !== "flush")).toEqual(["output", "finish", "end"]);
    await engine.idle();
    await connection.close();
  });

  it("cancels a paused stream", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        for (let token = 0; token < 100; token++) call.write(kit.chunk({ tokenIds: [token] }));
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), sink);
    sink.onEvent = () => call.pause();
    await sink.until(() => sink.events.length > 0, "output");
    call.cancel();
    call.resume();
    await waitUntil(() => engine.cancelledCalls === 1, "the engine sees the cancellation");
    expect(sink.kinds()).toEqual(["output"]);
    await engine.idle();
    await connection.close();
  });

  it("tells a paused sink of an error", async () => {
    await using engine = await startRawEngine((stream) => {
      sendHead(stream);
      stream.on("wantTrailers", () =>
        stream.sendTrailers({ "grpc-status": "13", "grpc-message": "out of memory" }),
      );
      stream.write(kit.frame(kit.chunk({ tokenIds: [1] })));
      setTimeout(() => stream.end(), 20);
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    const call = connection.engine.generate(sampleRequest(), sink);
    sink.onEvent = (event) => {
      if (event.kind === "output") call.pause();
    };
    await sink.over();
    expect(sink.kinds()).toEqual(["output", "error"]);
    expect(sink.first("error").error).toMatchObject({ code: "internal", message: "out of memory" });
    await connection.close();
  });
}
