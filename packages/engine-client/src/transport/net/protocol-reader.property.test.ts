import { array, assert, integer, property, record, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { HEAD_BLOCK, numbers, OK_BLOCK, rawFrame, settingsFrame } from "../../../test/frame-engine.ts";
import { EngineError } from "../../engine-error.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { ReceivedFrame } from "./frame-splitter.ts";
import type { PayloadRange } from "./payload-range.ts";
import { type Goodbye, type ProtocolListener, ProtocolReader } from "./protocol-reader.ts";

class Recorder implements ProtocolListener {
  readonly events: unknown[] = [];
  readonly isLost = false;
  data(frame: ReceivedFrame, range: PayloadRange): void {
    this.events.push([
      "data",
      frame.streamId,
      frame.flags & 1,
      frame.bytes.toString("hex", range.start, range.end),
    ]);
  }
  headers(streamId: number, head: AnswerHead, isEnd: boolean): void {
    const { httpStatus, grpcStatus, grpcMessage, contentType } = head;
    this.events.push(["headers", streamId, httpStatus, grpcStatus, grpcMessage, contentType, isEnd]);
  }
  reset(streamId: number, code: number): void {
    this.events.push(["reset", streamId, code]);
  }
  settings(frame: ReceivedFrame): void {
    this.events.push(["settings", frame.bytes.toString("hex", frame.start, frame.end)]);
  }
  ping(payload: Buffer): void {
    this.events.push(["ping", payload.toString("hex")]);
  }
  goAway(goodbye: Goodbye): void {
    this.events.push(["goAway", goodbye]);
  }
  windowUpdate(streamId: number, increment: number): void {
    this.events.push(["windowUpdate", streamId, increment]);
  }
}

const data = record({ streamId: integer({ min: 1, max: 9 }), payload: uint8Array({ maxLength: 200 }) });

/** A conversation with everything in it around some data. */
function conversation(
  pieces: readonly { readonly streamId: number; readonly payload: Uint8Array }[],
): Buffer {
  return Buffer.concat([
    settingsFrame([[3, 10]]),
    rawFrame(1, { flags: 4, streamId: 1 }, HEAD_BLOCK),
    ...pieces.map(({ streamId, payload }) => rawFrame(0, { streamId }, Buffer.from(payload))),
    rawFrame(6, {}, Buffer.alloc(8, 1)),
    rawFrame(1, { flags: 1, streamId: 1 }, OK_BLOCK.subarray(0, 5)),
    rawFrame(9, { flags: 4, streamId: 1 }, OK_BLOCK.subarray(5)),
    rawFrame(8, {}, numbers(5)),
    rawFrame(3, { streamId: 3 }, numbers(8)),
    rawFrame(7, {}, numbers(9, 0)),
  ]);
}

/** Pushes the bytes in pieces through one buffer that is used again, as sockets do. */
function readInPieces(bytes: Buffer, cuts: readonly number[]): Recorder {
  const recorder = new Recorder();
  const reader = new ProtocolReader(recorder);
  const buffer = Buffer.alloc(4096);
  for (let position = 0, turn = 0; position < bytes.length; turn++) {
    const end = Math.min(bytes.length, position + (cuts[turn % cuts.length] as number));
    buffer.fill(0xee);
    bytes.copy(buffer, 0, position, end);
    reader.push(buffer, end - position);
    position = end;
  }
  return recorder;
}

describe("ProtocolReader", () => {
  const cuts = array(integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 9 });

  it("hears the same however the bytes are cut", () => {
    assert(
      property(array(data, { maxLength: 8 }), cuts, (pieces, sizes) => {
        const bytes = conversation(pieces);
        const { events } = readInPieces(bytes, sizes);
        expect(events).toEqual(readInPieces(bytes, [4096]).events);
        expect(events.length).toBe(pieces.length + 7);
      }),
      { numRuns: 400, seed: 20_261_127 },
    );
  });

  it("refuses corrupted bytes with an EngineError or reads on, and nothing else", () => {
    const flips = array(
      record({ at: integer({ min: 0, max: 100_000 }), to: integer({ min: 0, max: 255 }) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    let refused = 0;
    assert(
      property(array(data, { maxLength: 6 }), cuts, flips, (pieces, sizes, changes) => {
        const bytes = conversation(pieces);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        try {
          readInPieces(bytes, sizes);
        } catch (error) {
          refused++;
          if (!(error instanceof EngineError)) throw error;
        }
      }),
      { numRuns: 3000, seed: 20_261_128 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
