import { describe, expect, it } from "vitest";
import { NetTransport } from "../src/transport/net/net-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS, type TransportOptions } from "../src/transport/transport-options.ts";
import { VllmTokenEngine } from "../src/vllm-engine/vllm-token-engine.ts";
import { chunk, complete, frame } from "./engine-messages.ts";
import {
  answerFrames,
  HEAD_BLOCK,
  numbers,
  rawFrame,
  settingsFrame,
  startFrameEngine,
} from "./frame-engine.ts";
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

describe("NetTransport's flow control", () => {
  it("sends a long prompt no faster than both windows and the frame size allow", async () => {
    let bodyBytes = 0;
    await using server = await startFrameEngine({
      // Streams begin with 1,000 bytes; frames may have 20,000.
      accept: (connection) =>
        connection.send(
          settingsFrame([
            [4, 1000],
            [5, 20_000],
          ]),
        ),
    });
    const { engine, transport } = connect(server.address);
    const first = new RecordingSink();
    const firstCall = engine.generate(sampleRequest(), first);
    await waitUntil(() => server.connections.length === 1, "the connection");
    const [connection] = server.connections;
    if (connection === undefined) throw new Error("no connection");
    // The settings are known once they are acknowledged.
    await connection.seen(4, 1);
    firstCall.cancel();
    const sink = new RecordingSink();
    engine.generate(sampleRequest({ tokenIds: new Int32Array(60_000).fill(70_000) }), sink);
    const bytesOf = (): number => {
      const data = connection.frames.filter((seen) => seen.type === 0 && seen.streamId === 3);
      expect(data.every((seen) => seen.payload.length <= 20_000)).toBe(true);
      bodyBytes = data.reduce((sum, seen) => sum + seen.payload.length, 0);
      return bodyBytes;
    };
    await waitUntil(() => bytesOf() === 1000, "the first window");
    connection.send(rawFrame(8, { streamId: 3 }, numbers(100_000)));
    // The window of the connection: 65,535 less what the first call took of it.
    const firstBytes = connection.frames
      .filter((seen) => seen.type === 0 && seen.streamId === 1)
      .reduce((sum, seen) => sum + seen.payload.length, 0);
    await waitUntil(() => bytesOf() === 65_535 - firstBytes, "the window of the connection");
    connection.send(rawFrame(8, {}, numbers(1_000_000)));
    await waitUntil(() => bytesOf() === 101_000, "the window of the stream");
    connection.send(settingsFrame([[4, 2000]]));
    await waitUntil(() => bytesOf() === 102_000, "the larger first window");
    connection.send(rawFrame(8, { streamId: 3 }, numbers(1_000_000)));
    await waitUntil(() => bytesOf() > 180_000 && connection.frames.at(-1)?.flags === 1, "the end");
    connection.send(answerFrames(3, ANSWER));
    await sink.over();
    expect(sink.tokenIds()).toEqual([7]);
    await transport.close();
  });

  it("stops sending a prompt that is answered early or cancelled", async () => {
    await using server = await startFrameEngine({ accept: (connection) => connection.send(settingsFrame()) });
    const { engine, transport } = connect(server.address);
    const long = sampleRequest({ tokenIds: new Int32Array(100_000).fill(70_000) });
    const answered = new RecordingSink();
    engine.generate(long, answered);
    const cancelled = new RecordingSink();
    const call = engine.generate(long, cancelled);
    await waitUntil(() => server.connections.length === 1, "the connection");
    const [connection] = server.connections;
    if (connection === undefined) throw new Error("no connection");
    await connection.seen(1, 1);
    call.cancel();
    expect((await connection.seen(3)).streamId).toBe(3);
    connection.send(answerFrames(1, ANSWER));
    await answered.over();
    expect(answered.tokenIds()).toEqual([7]);
    expect((await connection.seen(3, 1)).streamId).toBe(1);
    connection.send(rawFrame(8, {}, numbers(1_000_000)));
    await turns();
    const sent = connection.frames
      .filter((seen) => seen.type === 0)
      .reduce((sum, seen) => sum + seen.payload.length, 0);
    expect(sent).toBe(65_535);
    expect(cancelled.events).toEqual([]);
    await transport.close();
  });

  it("flushes each call once a read, and one that the read holds no more of before it goes on", async () => {
    await using server = await startFrameEngine({ accept: (connection) => connection.send(settingsFrame()) });
    const { engine, transport } = connect(server.address);
    const told: string[] = [];
    const calls = ["first", "second", "third"].map((name) => {
      const sink = new RecordingSink();
      sink.onEvent = ({ kind }) => told.push(`${name} ${kind}`);
      return engine.generate(sampleRequest(), sink);
    });
    await waitUntil(() => server.connections.length === 1, "the connection");
    const [connection] = server.connections;
    if (connection === undefined) throw new Error("no connection");
    await connection.seen(1, 2);
    const token = frame(chunk({ tokenIds: [7] }));
    const heads = [1, 3, 5].map((streamId) => rawFrame(1, { flags: 4, streamId }, HEAD_BLOCK));
    const outputs = [1, 3, 1, 5, 3].map((streamId) => rawFrame(0, { streamId }, token));
    connection.send(Buffer.concat([...heads, ...outputs]));
    await waitUntil(() => told.length === 8, "what the read holds");
    expect(told).toEqual([
      "first output",
      "second output",
      "first output",
      "third output",
      "third flush",
      "second output",
      "second flush",
      "first flush",
    ]);
    for (const call of calls) call.cancel();
    await transport.close();
  });

  it("credits the connection for a paused stream, but not the stream", async () => {
    const sentBytes = 10 * 1024 * 1024;
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame()),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0) return;
        connection.send(rawFrame(1, { flags: 4, streamId }, HEAD_BLOCK));
        const piece = rawFrame(0, { streamId }, Buffer.alloc(16_000));
        for (let bytes = 0; bytes < sentBytes; bytes += 16_000) connection.send(piece);
      },
    });
    const { engine, transport } = connect(server.address, { streamWindowBytes: 2 * sentBytes });
    const sink = new RecordingSink();
    const call = engine.generate(sampleRequest(), sink);
    call.pause();
    await waitUntil(() => server.connections.length === 1, "the connection");
    // The first is the greeting's.
    const credit = await server.connections[0]?.seen(8, 1);
    expect(credit?.streamId).toBe(0);
    expect(credit?.payload.readUInt32BE()).toBeGreaterThanOrEqual(8 * 1024 * 1024);
    await turns();
    expect(server.connections[0]?.frames.filter((seen) => seen.type === 8 && seen.streamId !== 0)).toEqual(
      [],
    );
    expect(sink.events).toEqual([]);
    call.cancel();
    await transport.close();
  });
});
