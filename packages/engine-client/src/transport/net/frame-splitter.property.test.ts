import { array, assert, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFrame, FRAME, FRAME_HEAD_BYTES, writeFrameHead } from "./frame.ts";
import { FrameSplitter } from "./frame-splitter.ts";

interface Told {
  readonly read: number;
  readonly streamId: number;
  readonly isLastOfRead: boolean;
}

function dataFrame(streamId: number, length: number): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + length);
  writeFrameHead(frame, 0, { length, type: FRAME.DATA, flags: 0, streamId });
  return frame;
}

/** Pushes frames of data in reads that end at the given places. */
function tell(frames: readonly Buffer[], cuts: readonly number[]): Told[] {
  const told: Told[] = [];
  let read = 0;
  const splitter = new FrameSplitter({
    isLost: false,
    frame: ({ type, streamId, isLastOfRead }) => {
      if (type === FRAME.DATA) told.push({ read, streamId, isLastOfRead });
    },
  });
  const settings = bytesFrame(FRAME.SETTINGS, 0, Buffer.alloc(0));
  splitter.push(settings, settings.length);
  const bytes = Buffer.concat(frames);
  const ends = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of ends) {
    read += 1;
    splitter.push(Buffer.from(bytes.subarray(start, end)), end - start);
    start = end;
  }
  return told;
}

describe("FrameSplitter", () => {
  it("says which frame of a stream is the last one of a read", () => {
    const frames = [1, 3, 1, 5, 3].map((streamId) => dataFrame(streamId, 4));
    expect(tell(frames, []).map(({ isLastOfRead }) => isLastOfRead)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it("never calls a frame the last one that another of its stream follows in the read, wherever reads end", () => {
    const frame = record({ stream: integer({ min: 0, max: 2100 }), length: integer({ min: 0, max: 40 }) });
    assert(
      property(
        array(frame, { maxLength: 60 }),
        array(integer({ min: 1, max: 1500 }), { maxLength: 6 }),
        (frames, cuts) => {
          const told = tell(
            frames.map(({ stream, length }) => dataFrame((stream % 1100) * 2 + 1, length)),
            cuts,
          );
          expect(told).toHaveLength(frames.length);
          for (const [at, { read, streamId, isLastOfRead }] of told.entries()) {
            const goesOn = told
              .slice(at + 1)
              .some((later) => later.read === read && later.streamId === streamId);
            expect(isLastOfRead && goesOn).toBe(false);
          }
        },
      ),
      { numRuns: 300, seed: 11 },
    );
  });
});
