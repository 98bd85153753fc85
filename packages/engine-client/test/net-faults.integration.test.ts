import { describe, expect, it } from "vitest";
import type { EngineErrorCode } from "../src/engine-error.ts";
import { NetTransport } from "../src/transport/net/net-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS, type TransportOptions } from "../src/transport/transport-options.ts";
import { VllmTokenEngine } from "../src/vllm-engine/vllm-token-engine.ts";
import { complete, frame } from "./engine-messages.ts";
import { HEAD_BLOCK, numbers, rawFrame, settingsFrame, startFrameEngine } from "./frame-engine.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { waitUntil } from "./wait-until.ts";

const ANSWER = frame(complete({ tokenIds: [7] }));

function connect(
  address: string,
  options: Partial<TransportOptions> = {},
): { engine: VllmTokenEngine; transport: NetTransport } {
  const transport = new NetTransport({ ...DEFAULT_TRANSPORT_OPTIONS, address, secure: false, ...options });
  return { engine: new VllmTokenEngine(transport), transport };
}

describe("NetTransport and an engine that breaks the rules", () => {
  const head = rawFrame(1, { flags: 4, streamId: 1 }, HEAD_BLOCK);
  it.each<[string, Buffer[], EngineErrorCode]>([
    ["another protocol", [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], "protocol"],
    ["a frame before its settings", [rawFrame(6, {}, Buffer.alloc(8))], "protocol"],
    ["a frame that is too large", [settingsFrame(), Buffer.of(1, 0, 0, 0, 0, 0, 0, 0, 1)], "protocol"],
    ["settings that are cut short", [rawFrame(4, {}, Buffer.alloc(5))], "protocol"],
    ["settings for a stream", [settingsFrame(), rawFrame(4, { streamId: 1 })], "protocol"],
    ["a window that is too large", [settingsFrame([[4, 0x8000_0000]])], "protocol"],
    ["a frame size that is too small", [settingsFrame([[5, 100]])], "protocol"],
    ["a window that overflows", [settingsFrame(), rawFrame(8, {}, numbers(0x7fff_ffff))], "protocol"],
    ["a window update of nothing", [settingsFrame(), rawFrame(8, {}, numbers(0))], "protocol"],
    ["a ping that is too short", [settingsFrame(), rawFrame(6, {}, Buffer.alloc(7))], "protocol"],
    ["a goodbye that is too short", [settingsFrame(), rawFrame(7, {}, Buffer.alloc(7))], "protocol"],
    [
      "a reset that is too short",
      [settingsFrame(), rawFrame(3, { streamId: 1 }, Buffer.alloc(3))],
      "protocol",
    ],
    ["a push", [settingsFrame(), rawFrame(5, { streamId: 1 }, numbers(2))], "protocol"],
    ["data on a stream that never was", [settingsFrame(), rawFrame(0, { streamId: 9 })], "protocol"],
    ["data on the connection", [settingsFrame(), rawFrame(0, {})], "protocol"],
    ["headers on the connection", [settingsFrame(), rawFrame(1, { flags: 4 }, HEAD_BLOCK)], "protocol"],
    [
      "headers that do not decode",
      [settingsFrame(), rawFrame(1, { flags: 4, streamId: 1 }, Buffer.of(0xff))],
      "protocol",
    ],
    [
      "more padding than frame",
      [settingsFrame(), head, rawFrame(0, { flags: 8, streamId: 1 }, Buffer.of(9, 0))],
      "protocol",
    ],
    ["a continuation of nothing", [settingsFrame(), rawFrame(9, { streamId: 1 })], "protocol"],
    [
      "an interrupted header block",
      [settingsFrame(), rawFrame(1, { streamId: 1 }, HEAD_BLOCK), rawFrame(6, {}, Buffer.alloc(8))],
      "protocol",
    ],
    [
      "a header block without end",
      [
        settingsFrame(),
        rawFrame(1, { streamId: 1 }, HEAD_BLOCK),
        ...Array.from({ length: 100 }, () => rawFrame(9, { streamId: 1 })),
      ],
      "protocol",
    ],
    ["data before the head", [settingsFrame(), rawFrame(0, { streamId: 1 }, ANSWER)], "protocol"],
    [
      "another media type",
      [settingsFrame(), rawFrame(1, { flags: 4, streamId: 1 }, Buffer.of(0x88))],
      "protocol",
    ],
    [
      "a compressed message",
      [settingsFrame(), head, rawFrame(0, { streamId: 1 }, Buffer.of(1, 0, 0, 0, 0))],
      "protocol",
    ],
    [
      "a reset that asks for calm",
      [settingsFrame(), rawFrame(3, { streamId: 1 }, numbers(11))],
      "overloaded",
    ],
    ["a reset without a reason", [settingsFrame(), rawFrame(3, { streamId: 1 }, numbers(0))], "protocol"],
  ])("fails clearly when the engine sends %s, and leaves nothing behind", async (_what, frames, code) => {
    await using server = await startFrameEngine({
      hear: ({ type }, connection) => {
        if (type === 0) connection.send(...frames);
      },
    });
    const { engine, transport } = connect(server.address);
    const sink = new RecordingSink();
    engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.kinds()).toEqual(["error"]);
    expect(sink.first("error").error.code).toBe(code);
    await transport.close();
    await waitUntil(() => server.openSockets === 0, "no connection is left");
  });

  it("does not let an engine send more than the window of a stream", async () => {
    await using server = await startFrameEngine({
      accept: (connection) => connection.send(settingsFrame()),
      hear: ({ type, streamId }, connection) => {
        if (type !== 0) return;
        connection.send(rawFrame(1, { flags: 4, streamId }, HEAD_BLOCK));
        for (let piece = 0; piece < 80; piece++) {
          connection.send(
            rawFrame(0, { streamId }, Buffer.concat([Buffer.of(0, 0, 0, 0x03, 0xfb), Buffer.alloc(1019)])),
          );
        }
      },
    });
    const { engine, transport } = connect(server.address, { streamWindowBytes: 64 * 1024 });
    const sink = new RecordingSink();
    const call = engine.generate(sampleRequest(), sink);
    call.pause();
    await sink.over();
    expect(sink.first("error").error.code).toBe("protocol");
    expect(sink.first("error").error.message).toContain("window");
    await transport.close();
  });

  it("gives up an engine that asks and never listens", async () => {
    await using server = await startFrameEngine({
      accept: (connection) => {
        connection.send(settingsFrame());
        connection.socket.pause();
        const pings = Buffer.concat(Array.from({ length: 4000 }, () => rawFrame(6, {}, Buffer.alloc(8))));
        const flood = (): void => {
          while (!connection.socket.destroyed && connection.socket.writable) {
            if (!connection.socket.write(pings)) {
              connection.socket.once("drain", flood);
              return;
            }
          }
        };
        flood();
      },
    });
    const { engine, transport } = connect(server.address);
    const sink = new RecordingSink();
    engine.generate(sampleRequest(), sink);
    await sink.over();
    expect(sink.first("error").error.code).toBe("unavailable");
    expect(sink.first("error").error.message).toContain("does not read");
    await transport.close();
  });
});
