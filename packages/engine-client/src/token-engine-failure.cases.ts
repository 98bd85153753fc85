import type { ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import type { DialectKit } from "../test/dialect-kit.ts";
import { sendHead, sendPieces, sendStatus, startRawEngine } from "../test/raw-engine.ts";
import { RecordingSink } from "../test/recording-sink.ts";
import { sampleRequest } from "../test/sample-request.ts";
import { turns, waitUntil } from "../test/wait-until.ts";
import type { EngineErrorCode } from "./engine-error.ts";

const STATUSES: readonly (readonly [number, EngineErrorCode])[] = [
  [status.CANCELLED, "unavailable"],
  [status.UNKNOWN, "internal"],
  [status.INVALID_ARGUMENT, "rejected"],
  [status.DEADLINE_EXCEEDED, "deadline_exceeded"],
  [status.NOT_FOUND, "rejected"],
  [status.RESOURCE_EXHAUSTED, "overloaded"],
  [status.FAILED_PRECONDITION, "rejected"],
  [status.UNIMPLEMENTED, "unimplemented"],
  [status.INTERNAL, "internal"],
  [status.UNAVAILABLE, "unavailable"],
  [status.UNAUTHENTICATED, "internal"],
];

/** What goes wrong, and what the sink is told. */
export function runFailureCases(kit: DialectKit): void {
  it.each(STATUSES)("turns gRPC status %i into %s with the engine's text", async (code, expected) => {
    await using engine = await kit.start({
      generate: (call) => {
        call.emit("error", { code, details: "temperature must be ≥ 0, got -1" });
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["error"]);
    expect(sink.first("error").error).toMatchObject({
      code: expected,
      message: "temperature must be ≥ 0, got -1",
    });
    await engine.idle();
    await connection.close();
  });

  it("understands an answer that is nothing but a status", async () => {
    await using engine = await startRawEngine((stream) => sendStatus(stream, "3", "bad%20r%C3%A9gex%"));
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["error"]);
    expect(sink.first("error").error.code).toBe("rejected");
    await connection.close();
  });

  it("is told of an engine that refuses before it has read a long prompt", async () => {
    await using engine = await startRawEngine((stream) => {
      stream.pause();
      sendStatus(stream, "3", "too long");
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ tokenIds: new Int32Array(2_000_000).fill(70_000) }), sink);
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "rejected", message: "too long" });
    await connection.close();
  });

  it("fails at the deadline and cancels the engine's work", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ deadlineAtMs: Date.now() + 200 }), sink);
    await sink.over();
    expect(sink.first("error").error.code).toBe("deadline_exceeded");
    await engine.idle();
    await connection.close();
  });

  it("fails at once when the deadline has passed, but not inside generate", async () => {
    await using engine = await kit.start({ generate: () => {} });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ deadlineAtMs: Date.now() - 1 }), sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "deadline_exceeded", notStarted: true });
    await engine.idle();
    await connection.close();
  });

  it("tells the engine the deadline", async () => {
    await using engine = await startRawEngine((stream) => sendStatus(stream, "14", "later"));
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest({ deadlineAtMs: Date.now() + 60_000 }), sink);
    await sink.over();
    expect(engine.requests[0]?.["grpc-timeout"]).toMatch(/^\d{1,8}[mS]$/);
    await connection.close();
  });

  it("is unavailable and not started when nothing listens", async () => {
    const engine = await kit.start({ generate: () => {} });
    engine.kill();
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.kinds()).toEqual(["error"]);
    expect(sink.first("error").error).toMatchObject({ code: "unavailable", notStarted: true });
    expect(sink.first("error").error.message).toContain("ECONNREFUSED");
    await connection.close();
  });

  it("is unavailable when the engine dies in the middle of a stream, and works when it is back", async () => {
    const engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.until(() => sink.events.length > 0, "output");
    engine.kill();
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "unavailable", notStarted: false });
    await using again = await kit.start({
      port: engine.port,
      generate: (call) => {
        call.write(kit.whole({ tokenIds: [7] }));
        call.end();
      },
    });
    // A library may wait a little before it connects again.
    const deadlineAtMs = Date.now() + 10_000;
    let retried = new RecordingSink();
    do {
      retried = new RecordingSink();
      connection.engine.generate(sampleRequest(), retried);
      await retried.over();
    } while (retried.events.at(-1)?.kind === "error" && Date.now() < deadlineAtMs);
    expect(retried.tokenIds()).toEqual([7]);
    await again.idle();
    await connection.close();
  });

  it("finishes the streams of a connection the engine says goodbye to, and opens another", async () => {
    const finish: (() => void)[] = [];
    await using engine = await startRawEngine((stream) => {
      sendHead(stream);
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(kit.frame(kit.chunk({ tokenIds: [1] })));
      finish.push(() => stream.end(kit.frame(kit.complete({ tokenIds: [1] }))));
    });
    const connection = kit.connect(engine.address);
    const first = new RecordingSink();
    connection.engine.generate(sampleRequest(), first);
    await first.until(() => first.events.length > 0, "output");
    engine.sessions[0]?.goaway(0);
    await turns();
    const second = new RecordingSink();
    connection.engine.generate(sampleRequest(), second);
    await second.until(() => second.events.length > 0, "output");
    expect(engine.sessions.length).toBe(2);
    for (const end of finish) end();
    await Promise.all([first.over(), second.over()]);
    expect(first.events.at(-1)?.kind).toBe("end");
    expect(second.events.at(-1)?.kind).toBe("end");
    await connection.close();
  });

  it("knows that a refused stream was not worked on", async () => {
    await using engine = await startRawEngine((stream) => stream.close(7));
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.first("error").error.code).toBe("unavailable");
    await connection.close();
  });

  it.each([
    [
      "without a status",
      (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.end(kit.frame(kit.chunk({ tokenIds: [1] })));
      },
      ["protocol", "internal"],
    ],
    [
      "in the middle of a message",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [kit.frame(kit.chunk({ tokenIds: [1] })), Buffer.of(0, 0, 0, 0, 9, 1)]);
      },
      ["protocol"],
    ],
    [
      "with a malformed message",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [kit.frame(kit.chunk({ tokenIds: [1] })), Buffer.of(0, 0, 0, 0, 2, 0x0a, 0x7f)]);
      },
      ["protocol"],
    ],
    [
      "before the sequence is finished",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [kit.frame(kit.chunk({ tokenIds: [1] }))]);
      },
      ["protocol"],
    ],
    [
      "with an unknown finish reason",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [kit.frame(kit.chunk({ tokenIds: [1] })), kit.frame(kit.senselessEnd())]);
      },
      ["protocol"],
    ],
    [
      "with a sequence nobody asked for",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [
          kit.frame(kit.chunk({ tokenIds: [1] })),
          kit.frame(kit.chunk({ tokenIds: [1], index: 1 })),
        ]);
      },
      ["protocol"],
    ],
    [
      "with a message that is too large",
      (stream: ServerHttp2Stream) => {
        sendPieces(stream, [kit.frame(kit.chunk({ tokenIds: [1] })), Buffer.of(0, 0, 0x10, 0, 0)]);
      },
      ["protocol"],
    ],
    [
      "without speaking gRPC",
      (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 503, "content-type": "text/html" });
        stream.end("<h1>busy</h1>");
      },
      ["unavailable"],
    ],
  ] as const)("fails when the engine ends %s", async (_what, answer, codes) => {
    await using engine = await startRawEngine((stream) => answer(stream));
    const connection = kit.connect(engine.address, { maxMessageBytes: 1024 * 1024 - 1 });
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(codes).toContain(sink.first("error").error.code);
    expect(sink.kinds().filter((kind) => kind === "error" || kind === "end")).toEqual(["error"]);
    await connection.close();
  });

  it("ends one call, not its neighbours, when a sink throws", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
        call.write(kit.chunk({ tokenIds: [2] }));
        call.write(kit.complete({ tokenIds: [2] }));
        call.end();
      },
    });
    const connection = kit.connect(engine.address);
    const broken = new RecordingSink();
    broken.onEvent = (event) => {
      if (event.kind === "output") throw new Error("bug");
    };
    connection.engine.generate(sampleRequest(), broken);
    const sound = new RecordingSink();
    connection.engine.generate(sampleRequest(), sound);
    await Promise.all([broken.over(), sound.over()]);
    expect(broken.first("error").error.code).toBe("internal");
    expect(broken.tokenIds()).toEqual([1]);
    expect(sound.tokenIds()).toEqual([1, 2]);
    await engine.idle();
    await connection.close();
  });

  it("fails running and later calls when it is closed", async () => {
    await using engine = await kit.start({
      generate: (call) => {
        call.write(kit.chunk({ tokenIds: [1] }));
      },
    });
    const connection = kit.connect(engine.address);
    const sink = new RecordingSink();
    connection.engine.generate(sampleRequest(), sink);
    await sink.until(() => sink.events.length > 0, "output");
    await connection.close();
    await sink.over();
    expect(sink.first("error").error.code).toBe("unavailable");
    const late = new RecordingSink();
    connection.engine.generate(sampleRequest(), late);
    await late.over();
    expect(late.first("error").error).toMatchObject({ code: "unavailable", notStarted: true });
    await waitUntil(() => engine.openCalls === 0, "the engine has no open call");
  });
}
