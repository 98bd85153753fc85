import { describe, expect, it } from "vitest";
import { NetTransport } from "../src/transport/net/net-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS, type TransportOptions } from "../src/transport/transport-options.ts";
import { VllmTokenEngine } from "../src/vllm-engine/vllm-token-engine.ts";
import { chunk, complete, frame } from "./engine-messages.ts";
import {
  answerFrames,
  type FrameEngine,
  HEAD_BLOCK,
  numbers,
  OK_BLOCK,
  rawFrame,
  settingsFrame,
  startFrameEngine,
} from "./frame-engine.ts";
import { sendHead, sendPieces, startRawEngine } from "./raw-engine.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { turns, waitUntil } from "./wait-until.ts";

const ANSWER = frame(complete({ tokenIds: [7] }));

function connect(
  address: string,
  options: Partial<TransportOptions> = {},
): { engine: VllmTokenEngine; transport: NetTransport } {
  const transport = new NetTransport({ ...DEFAULT_TRANSPORT_OPTIONS, address, secure: false, ...options });
  return { engine: new VllmTokenEngine(transport), transport };
}

/** An engine that answers every call whole. */
function startAnswering(settings: readonly (readonly [number, number])[] = []): Promise<FrameEngine> {
  return startFrameEngine({
    accept: (connection) => connection.send(settingsFrame(settings)),
    hear: ({ type, flags, streamId }, connection) => {
      if (type === 0 && (flags & 1) === 1) connection.send(answerFrames(streamId, ANSWER));
    },
  });
}

describe("NetTransport", () => {
  it("tells each stream once per read to write, however many frames there were", async () => {
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame()),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0 || streamId !== 3) return;
        const frames = [1, 3].flatMap((id) => [
          rawFrame(1, { flags: 4, streamId: id }, HEAD_BLOCK),
          ...[1, 2, 3].map((token) => rawFrame(0, { streamId: id }, frame(chunk({ tokenIds: [token] })))),
        ]);
        connection.send(...frames);
      },
    });
    const { engine, transport } = connect(server.address);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    for (const sink of sinks) await sink.until(() => sink.kinds().includes("flush"), "flush");
    for (const sink of sinks) expect(sink.kinds()).toEqual(["output", "output", "output", "flush"]);
    await transport.close();
  });

  it("replaces a connection before its stream ids run out", async () => {
    await using server = await startRawEngine((stream) => sendPieces(stream, [ANSWER]));
    const { engine, transport } = connect(server.address, { maxCallsPerConnection: 3 });
    const sinks = Array.from({ length: 7 }, () => new RecordingSink());
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await Promise.all(sinks.map(async (sink) => sink.over()));
    expect(sinks.map((sink) => sink.events.at(-1)?.kind)).toEqual(sinks.map(() => "end"));
    expect(server.sessions.length).toBe(3);
    await waitUntil(
      () => server.sessions.filter((session) => session.destroyed).length >= 2,
      "two are closed",
    );
    await transport.close();
  });

  it("opens another connection when the engine takes no more streams on the first", async () => {
    const held: (() => void)[] = [];
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame([[3, 2]])),
      hear: ({ type, streamId }, connection) => {
        if (type === 0) held.push(() => connection.send(answerFrames(streamId, ANSWER)));
      },
    });
    const { engine, transport } = connect(server.address);
    const first = new RecordingSink();
    engine.generate(sampleRequest(), first);
    await waitUntil(() => held.length === 1, "the first call");
    await turns();
    const sinks = Array.from({ length: 4 }, () => new RecordingSink());
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await waitUntil(() => held.length === 5, "all calls");
    expect(server.connections.length).toBe(3);
    for (const answer of held) answer();
    await Promise.all([first, ...sinks].map(async (sink) => sink.over()));
    expect([first, ...sinks].every((sink) => sink.events.at(-1)?.kind === "end")).toBe(true);
    await transport.close();
  });

  it("lets calls wait until a new engine has said how many streams it takes, in their order", async () => {
    const ids: string[] = [];
    await using server = await startFrameEngine({
      hear: ({ type, streamId, payload }, connection) => {
        if (type !== 0) return;
        ids.push(/call-\d+/.exec(payload.toString("latin1"))?.[0] ?? "");
        if (ids.length === 100) connection.send(settingsFrame());
        if (ids.length === 150) {
          const [opened] = server.connections;
          for (let id = 1; id <= 299; id += 2) opened?.send(answerFrames(id, ANSWER));
        }
        expect(streamId).toBe(ids.length * 2 - 1);
      },
    });
    const { engine, transport } = connect(server.address);
    const sinks = Array.from({ length: 150 }, () => new RecordingSink());
    sinks.forEach((sink, index) => engine.generate(sampleRequest({ requestId: `call-${index}` }), sink));
    await Promise.all(sinks.map(async (sink) => sink.over()));
    expect(ids).toEqual(sinks.map((_, index) => `call-${index}`));
    expect(server.connections.length).toBe(1);
    await transport.close();
  });

  it("forgets a call that is cancelled while it waits", async () => {
    await using server = await startAnswering();
    const { engine, transport } = connect(server.address);
    const sinks = Array.from({ length: 120 }, () => new RecordingSink());
    const calls = sinks.map((sink) => engine.generate(sampleRequest(), sink));
    for (const call of calls.slice(100)) call.cancel();
    await Promise.all(sinks.slice(0, 100).map(async (sink) => sink.over()));
    await turns();
    expect(sinks.slice(100).every((sink) => sink.events.length === 0)).toBe(true);
    const [connection] = server.connections;
    expect(connection?.frames.filter((seen) => seen.type === 1).length).toBe(100);
    await transport.close();
  });

  it("understands padding, priorities, continued headers and frames it does not know", async () => {
    await using server = await startFrameEngine({
      accept: (connection) =>
        connection.send(settingsFrame([[0x99, 1]]), rawFrame(0xfa, { streamId: 1 }, Buffer.alloc(3))),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0) return;
        const padded = Buffer.concat([Buffer.of(3), ANSWER, Buffer.alloc(3)]);
        const prioritised = Buffer.concat([
          Buffer.of(2),
          Buffer.alloc(5),
          HEAD_BLOCK.subarray(0, 4),
          Buffer.alloc(2),
        ]);
        connection.send(
          rawFrame(1, { flags: 0x4, streamId }, Buffer.of(0x08, 3, 0x31, 0x30, 0x33)),
          rawFrame(1, { flags: 0x8 | 0x20, streamId }, prioritised),
          rawFrame(9, { streamId }, HEAD_BLOCK.subarray(4, 9)),
          rawFrame(9, { flags: 0x4, streamId }, HEAD_BLOCK.subarray(9)),
          rawFrame(2, { streamId }, Buffer.alloc(5)),
          rawFrame(0, { flags: 0x8, streamId }, padded),
          rawFrame(0, { streamId }),
          rawFrame(1, { flags: 0x5, streamId }, OK_BLOCK),
        );
      },
    });
    const { engine, transport } = connect(server.address);
    const sink = new RecordingSink();
    engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["output", "finish", "flush", "end"]);
    expect(sink.tokenIds()).toEqual([7]);
    await transport.close();
  });

  it("answers pings and acknowledges settings", async () => {
    const payload = Buffer.from("12345678");
    await using server = await startFrameEngine({
      accept: (connection) =>
        connection.send(settingsFrame(), rawFrame(6, {}, payload), rawFrame(6, { flags: 1 }, payload)),
    });
    const { engine, transport } = connect(server.address);
    const call = engine.generate(sampleRequest(), new RecordingSink());
    await waitUntil(() => server.connections.length === 1, "the connection");
    const [connection] = server.connections;
    const pong = await connection?.seen(6);
    expect(pong).toMatchObject({ flags: 1, payload });
    expect(await connection?.seen(4, 1)).toMatchObject({ flags: 1 });
    call.cancel();
    await transport.close();
  });

  it("starts calls over that an engine which leaves has not looked at, once", async () => {
    const leaveTwice = { is: false };
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame()),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0) return;
        const leaves = server.connections.length === 1 || leaveTwice.is;
        if (!leaves) connection.send(answerFrames(streamId, ANSWER));
        else if (streamId === (leaveTwice.is ? 1 : 3)) {
          connection.send(rawFrame(7, {}, numbers(leaveTwice.is ? 0 : 1, 0)));
          if (!leaveTwice.is) connection.send(answerFrames(1, ANSWER));
        }
      },
    });
    const { engine, transport } = connect(server.address);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await Promise.all(sinks.map(async (sink) => sink.over()));
    for (const sink of sinks) expect(sink.kinds()).toEqual(["output", "finish", "flush", "end"]);
    expect(server.connections.length).toBe(2);
    await transport.close();
    leaveTwice.is = true;
    const again = connect(server.address);
    const sink = new RecordingSink();
    again.engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.first("error").error).toMatchObject({ code: "unavailable", notStarted: true });
    expect(server.connections.length).toBe(4);
    await again.transport.close();
  });

  it("tells which calls an engine that leaves in anger has not seen", async () => {
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame()),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0 || streamId !== 3) return;
        connection.send(rawFrame(7, {}, Buffer.concat([numbers(1, 11), Buffer.from("too_many_pings")])));
        connection.socket.end();
      },
    });
    const { engine, transport } = connect(server.address);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await Promise.all(sinks.map(async (sink) => sink.over()));
    expect(sinks.map((sink) => sink.first("error").error.notStarted)).toEqual([false, true]);
    for (const sink of sinks) expect(sink.first("error").error.message).toContain("too_many_pings");
    await transport.close();
  });

  it("gives an engine up that does not answer pings, and keeps one that does", async () => {
    await using silent = await startFrameEngine({ accept: (connection) => connection.send(settingsFrame()) });
    const first = connect(silent.address, { keepAliveMs: 50 });
    const lost = new RecordingSink();
    first.engine.generate(sampleRequest(), lost);
    await lost.over();
    expect(lost.first("error").error).toMatchObject({ code: "unavailable", notStarted: false });
    expect(lost.first("error").error.message).toContain("ping");
    await first.transport.close();

    await using alive = await startRawEngine((stream) => {
      sendHead(stream);
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(frame(chunk({ tokenIds: [1] })));
      setTimeout(() => stream.end(frame(complete({ tokenIds: [1] }))), 1500);
    });
    const second = connect(alive.address, { keepAliveMs: 500 });
    const kept = new RecordingSink();
    second.engine.generate(sampleRequest(), kept);
    await kept.over();
    expect(kept.events.at(-1)?.kind).toBe("end");
    await second.transport.close();
  });

  it("closes connections that are not needed any more", async () => {
    await using server = await startAnswering([[3, 1]]);
    const { engine, transport } = connect(server.address, { keepAliveMs: 30 });
    const first = new RecordingSink();
    engine.generate(sampleRequest(), first);
    await first.over();
    const sinks = Array.from({ length: 5 }, () => new RecordingSink());
    for (const sink of sinks) engine.generate(sampleRequest(), sink);
    await Promise.all(sinks.map(async (sink) => sink.over()));
    expect(server.connections.length).toBeGreaterThan(1);
    await waitUntil(() => server.openSockets <= 1, "one connection is left");
    await transport.close();
    await waitUntil(() => server.openSockets === 0, "none is left");
  });

  it("understands headers however the engine compresses them", async () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const text = (): string =>
      Array.from({ length: random(60) }, () =>
        String.fromCharCode(random(5) === 0 ? 0xa1 + random(90) : 0x21 + random(94)),
      ).join("");
    const messages: string[] = [];
    await using server = await startRawEngine((stream) => {
      const message = text().replaceAll("%", "");
      messages.push(message);
      const extra = Object.fromEntries(
        Array.from({ length: 1 + random(6) }, () => [`x-${random(20)}`, text()]),
      );
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          ...extra,
          "grpc-status": "3",
          "grpc-message": message,
        },
        { endStream: true },
      );
    });
    const { engine, transport } = connect(server.address);
    for (let round = 0; round < 300; round++) {
      const sink = new RecordingSink();
      engine.generate(sampleRequest(), sink);
      await sink.over();
      const expected = messages.at(-1) ?? "";
      expect(sink.first("error").error.message).toBe(
        expected === "" ? "the engine answered with gRPC status 3" : expected,
      );
    }
    expect(server.sessions.length).toBe(1);
    await transport.close();
  });
});
