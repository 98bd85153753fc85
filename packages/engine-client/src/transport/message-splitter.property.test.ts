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
        array(boolean(), { minLength: 1, maxLength: 7 }),
        (messages, cuts, pauses) => {
          const heard: Buffer[] = [];
          const splitter = new MessageSplitter((bytes, start, end) => {
            heard.push(Buffer.from(bytes.subarray(start, end)));
            return pauses[heard.length % pauses.length] !== true;
          }, 30);
          const bytes = Buffer.concat(messages.map(framed));
          for (let position = 0, turn = 0; position < bytes.length; turn++) {
            const end = Math.min(bytes.length, position + (cuts[turn % cuts.length] as number));
            splitter.push(bytes.subarray(position, end));
            while (!splitter.release());
            position = end;
          }
          expect(heard).toEqual(messages.map((message) => Buffer.from(message)));
          expect(splitter.isInMessage).toBe(false);
        },
      ),
      { numRuns: 500, seed: 20_260_103 },
    );
  });

  it("refuses compressed and too large messages before it holds them", () => {
    const splitter = new MessageSplitter(() => true, 10);
    expect(() => splitter.push(Buffer.of(1, 0, 0, 0, 1, 0))).toThrow("compressed");
    expect(() => new MessageSplitter(() => true, 10).push(Buffer.of(0, 0, 0, 0, 11))).toThrow("11 bytes");
    const inPieces = new MessageSplitter(() => true, 10);
    inPieces.push(Buffer.of(0, 0, 0));
    expect(() => inPieces.push(Buffer.of(0, 11))).toThrow("11 bytes");
  });
});
