import { array, assert, boolean, integer, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageSplitter } from "./message-splitter.ts";

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

describe("MessageSplitter", () => {
  it("gives the same messages however the bytes are cut and whenever the consumer pauses", () => {
    assert(
      property(
        array(uint8Array({ maxLength: 30 }), { maxLength: 12 }),
        array(integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
        array(boolean(), { minLength: 1, maxLength: 9 }),
        (messages, cuts, pauses) => {
          const isBorrowed = cuts.length % 2 === 0;
          const releaseEvery = 1 + (pauses.length % 4);
          const heard: Buffer[] = [];
          const splitter = new MessageSplitter(
            (bytes, start, end) => {
              heard.push(Buffer.from(bytes.subarray(start, end)));
              return pauses[heard.length % pauses.length] !== true;
            },
            { maxMessageBytes: 30, isBorrowed },
          );
          const bytes = Buffer.concat(messages.map(framed));
          const borrowed = Buffer.alloc(64);
          for (let position = 0, turn = 0; position < bytes.length; turn++) {
            const end = Math.min(bytes.length, position + (cuts[turn % cuts.length] as number));
            if (isBorrowed) {
              // The same memory for every read, at another place.
              const start = turn % 20;
              borrowed.fill(0xff);
              bytes.copy(borrowed, start, position, end);
              splitter.push(borrowed, start, start + end - position);
            } else splitter.push(bytes, position, end);
            if (turn % releaseEvery === 0) while (!splitter.release());
            position = end;
          }
          while (!splitter.release());
          expect(splitter.isHolding).toBe(false);
          expect(heard).toEqual(messages.map((message) => Buffer.from(message)));
          expect(splitter.isInMessage).toBe(false);
        },
      ),
      { numRuns: 500, seed: 20_260_103 },
    );
  });

  it("refuses compressed and too large messages before it holds them", () => {
    const create = (): MessageSplitter =>
      new MessageSplitter(() => true, { maxMessageBytes: 10, isBorrowed: false });
    expect(() => create().push(Buffer.of(1, 0, 0, 0, 1, 0), 0, 6)).toThrow("compressed");
    expect(() => create().push(Buffer.of(0, 0, 0, 0, 11), 0, 5)).toThrow("11 bytes");
    const inPieces = create();
    inPieces.push(Buffer.of(0, 0, 0), 0, 3);
    expect(() => inPieces.push(Buffer.of(0, 11), 0, 2)).toThrow("11 bytes");
  });
});
