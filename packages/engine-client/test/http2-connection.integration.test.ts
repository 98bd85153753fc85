import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Http2Transport } from "../src/transport/http2-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS, type TransportOptions } from "../src/transport/transport-options.ts";
import { VllmTokenEngine } from "../src/vllm-engine/vllm-token-engine.ts";
import { chunk, complete, frame } from "./engine-messages.ts";
import { sendHead, sendPieces, startRawEngine } from "./raw-engine.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { turns, waitUntil } from "./wait-until.ts";

function connect(
  address: string,
  options: Partial<TransportOptions> = {},
): { engine: VllmTokenEngine; transport: Http2Transport } {
  const transport = new Http2Transport({ ...DEFAULT_TRANSPORT_OPTIONS, address, secure: false, ...options });
  return { engine: new VllmTokenEngine(transport), transport };
}

describe("Http2Transport", () => {
  it("uses one connection for all calls", async () => {
    await using server = await startRawEngine((stream) =>
      sendPieces(stream, [frame(complete({ tokenIds: [1] }))]),
    );
    const { engine, transport } = connect(server.address);
    for (let round = 0; round < 5; round++) {
      const sinks = Array.from({ length: 20 }, () => new RecordingSink());
      for (const sink of sinks) engine.generate(sampleRequest(), sink);
      await Promise.all(sinks.map(async (sink) => sink.over()));
      expect(sinks.every((sink) => sink.events.at(-1)?.kind === "end")).toBe(true);
    }
    expect(server.sessions.length).toBe(1);
    await transport.close();
    await waitUntil(() => server.sessions[0]?.destroyed === true, "the connection is closed");
  });

  it("can be closed at any moment of connecting", async () => {
    await using server = await startRawEngine((stream) => sendHead(stream));
    for (let waited = 0; waited < 10; waited++) {
      const { engine, transport } = connect(server.address);
      const sink = new RecordingSink();
      engine.generate(sampleRequest(), sink);
      await turns(waited);
      await transport.close();
      await sink.over();
      expect(sink.events.at(-1)).toMatchObject({ kind: "error", error: { code: "unavailable" } });
    }
  });

  it("replaces a connection before its stream ids run out", async () => {
    await using server = await startRawEngine((stream) =>
      sendPieces(stream, [frame(complete({ tokenIds: [1] }))]),
    );
    const { engine, transport } = connect(server.address, { maxCallsPerConnection: 3 });
    const sinks = Array.from({ length: 7 }, () => new RecordingSink());
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await Promise.all(sinks.map(async (sink) => sink.over()));
    expect(sinks.map((sink) => sink.events.at(-1)?.kind)).toEqual(sinks.map(() => "end"));
    expect(server.sessions.length).toBe(3);
    await transport.close();
  });

  it("notices a connection that has gone silent", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.resume();
    });
    const port = await new Promise<number>((resolve) => {
      silent.listen(0, "127.0.0.1", () => {
        const bound = silent.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      });
    });
    const { engine, transport } = connect(`127.0.0.1:${port}`, { keepAliveMs: 50 });
    const sink = new RecordingSink();
    engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.first("error").error.code).toBe("unavailable");
    expect(sink.first("error").error.message).toContain("ping");
    for (const socket of sockets) socket.destroy();
    silent.close();
    await transport.close();
  });

  it("keeps a connection whose pings are answered, however long a stream is quiet", async () => {
    await using server = await startRawEngine((stream) => {
      sendHead(stream);
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(frame(chunk({ tokenIds: [1] })));
      setTimeout(() => stream.end(frame(complete({ tokenIds: [1] }))), 200);
    });
    const { engine, transport } = connect(server.address, { keepAliveMs: 40 });
    const sink = new RecordingSink();
    engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.events.at(-1)?.kind).toBe("end");
    await transport.close();
  });

  it.each([0, 2])("knows which calls an engine that leaves with code %i has not seen", async (code) => {
    await using server = await startRawEngine((stream) => {
      // Only the first call counts; the second came after the engine had made up its mind.
      if (server.requests.length < 2) return;
      stream.session?.goaway(code, 1);
    });
    const { engine, transport } = connect(server.address);
    const first = new RecordingSink();
    const firstCall = engine.generate(sampleRequest(), first);
    const second = new RecordingSink();
    engine.generate(sampleRequest(), second);
    await second.over();
    expect(second.first("error").error).toMatchObject({ code: "unavailable", notStarted: true });
    firstCall.cancel();
    expect(first.kinds().includes("end")).toBe(false);
    await transport.close();
  });
});
