import { describe, expect, it } from "vitest";
import { NetTransport } from "../src/transport/net/net-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS } from "../src/transport/transport-options.ts";
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
import { waitUntil } from "./wait-until.ts";

const ROUNDS = 150;
const CALLS = 12;

/** A small generator of our own, so that a failure can be run again by its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 7) % below;
  };
}

/** Answers of all streams, mixed frame by frame. */
function conversation(random: (below: number) => number): Buffer {
  const streams = Array.from({ length: CALLS }, (_, index) => {
    const streamId = index * 2 + 1;
    const tokens = Array.from({ length: random(6) }, (_, token) => frame(chunk({ tokenIds: [token] })));
    const body = Buffer.concat([...tokens, frame(complete({ tokenIds: [9] }))]);
    const cut = random(body.length);
    return [
      rawFrame(1, { flags: 4, streamId }, HEAD_BLOCK),
      rawFrame(0, { streamId }, body.subarray(0, cut)),
      rawFrame(0, { streamId }, body.subarray(cut)),
      rawFrame(8, { streamId }, numbers(1 + random(100))),
      answerFrames(streamId, Buffer.alloc(0)).subarray(-9 - 14),
    ];
  });
  const frames: Buffer[] = [settingsFrame([[4, 1 + random(100_000)]])];
  while (streams.some((each) => each.length > 0)) {
    const next = streams[random(CALLS)]?.shift();
    if (next !== undefined) frames.push(next);
    if (random(10) === 0) frames.push(rawFrame(6, {}, Buffer.alloc(8)));
  }
  if (random(3) === 0) frames.push(rawFrame(7, {}, numbers(random(CALLS * 2), random(3))));
  return Buffer.concat(frames);
}

describe("NetTransport under fuzz", () => {
  it("ends every call exactly once, crashes never, and leaves no connection", async () => {
    let random = randomFrom(0);
    let isCorrupted = false;
    await using server = await startFrameEngine({
      hear: ({ type, streamId }, connection) => {
        // Connections that replace a broken one are refused.
        if (type !== 0 || streamId !== CALLS * 2 - 1) return;
        const bytes = conversation(random);
        for (let flip = 0; isCorrupted && flip < 3; flip++) bytes[random(bytes.length)] = random(256);
        let position = 0;
        const goOn = (): void => {
          if (connection.socket.destroyed) return;
          if (position >= bytes.length) {
            if (random(2) === 0) connection.socket.end();
            else connection.socket.destroy();
            return;
          }
          const end = position + 1 + random(200);
          connection.socket.write(bytes.subarray(position, end));
          position = end;
          setImmediate(goOn);
        };
        goOn();
      },
    });
    for (let round = 0; round < ROUNDS; round++) {
      random = randomFrom(round);
      isCorrupted = round % 3 !== 0;
      const transport = new NetTransport({
        ...DEFAULT_TRANSPORT_OPTIONS,
        address: server.address,
        secure: false,
        streamWindowBytes: 1000,
      });
      const engine = new VllmTokenEngine(transport);
      const sinks = Array.from({ length: CALLS }, () => new RecordingSink());
      const calls = sinks.map((sink, index) => {
        const call = engine.generate(sampleRequest({ requestId: `${index}` }), sink);
        sink.onEvent = (event) => {
          if (event.kind === "output" && random(6) === 0) {
            call.pause();
            setImmediate(() => call.resume());
          }
        };
        return call;
      });
      const cancelled = calls[random(CALLS)];
      if (random(4) === 0) setImmediate(() => cancelled?.cancel());
      const isSettled = (): boolean =>
        sinks.every((sink, index) => sink.isOver || (calls[index] === cancelled && !sink.isOver));
      // A corrupted length may leave calls waiting for bytes that never come; then the engine is gone, and so are they.
      await waitUntil(() => isSettled() || server.openSockets === 0, `round ${round}`);
      await transport.close();
      await waitUntil(() => isSettled() && server.openSockets === 0, `the end of round ${round}`);
      for (const sink of sinks) {
        const ends = sink.kinds().filter((kind) => kind === "end" || kind === "error");
        expect(ends.length, `round ${round}`).toBeLessThanOrEqual(1);
        expect(["end", "error", undefined].includes(sink.isOver ? sink.events.at(-1)?.kind : undefined)).toBe(
          true,
        );
        // A stream that ended well was whole: its last token is the one that says so.
        const hasEndedWell = !isCorrupted && sink.events.at(-1)?.kind === "end";
        expect(!hasEndedWell || sink.kinds().includes("finish"), `round ${round}`).toBe(true);
      }
    }
  });
});
