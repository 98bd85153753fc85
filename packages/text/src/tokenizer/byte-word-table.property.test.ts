import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteText } from "./byte-text.ts";
import { ByteWordTable, LONGEST_WORD } from "./byte-word-table.ts";
import { TokenBuffer } from "./token-buffer.ts";

const ids = fc.array(fc.nat(200_000), { maxLength: 6 }).map((list) => Int32Array.from(list));
/** Words that differ in little: in length, in zero bytes, in one byte at either end. */
const word = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: LONGEST_WORD }),
    fc
      .tuple(fc.nat(LONGEST_WORD - 1), fc.nat(2))
      .map(([zeros, last]) => new Uint8Array([...new Uint8Array(zeros), last])),
    fc
      .tuple(fc.nat(2), fc.nat(LONGEST_WORD - 1))
      .map(([first, zeros]) => new Uint8Array([first, ...new Uint8Array(zeros)])),
  )
  .map((bytes) => ({ bytes, key: bytes.join() }));

function viewOf(bytes: Uint8Array): DataView {
  // What stands around a word must not matter.
  const padded = new Uint8Array(bytes.length + 32).fill(0xa5);
  padded.set(bytes, 7);
  return new DataView(padded.buffer, 7);
}

function found(table: ByteWordTable, bytes: Uint8Array): number[] | undefined {
  const place = table.find(viewOf(bytes), 0, bytes.length);
  if (place < 0) return undefined;
  const output = new TokenBuffer();
  table.appendIds(place, output);
  return Array.from(output.take());
}

describe("ByteWordTable", () => {
  it("knows what was added and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, ids), { maxLength: 60 }),
        fc.array(word, { maxLength: 20 }),
        (added, asked) => {
          const table = new ByteWordTable();
          const model = new Map<string, number[]>();
          for (const [{ bytes, key }, list] of added) {
            if (model.has(key)) continue;
            table.add(viewOf(bytes), { start: 0, length: bytes.length, count: list.length }, list);
            model.set(key, Array.from(list));
          }
          for (const [{ bytes, key }] of added) expect(found(table, bytes)).toEqual(model.get(key));
          for (const { bytes, key } of asked) expect(found(table, bytes)).toEqual(model.get(key));
          expect(table.size).toBe(model.size);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("never gives one word the ids of another, however many there are, and stays within its bounds", () => {
    const table = new ByteWordTable();
    const text = new ByteText();
    let wrong = 0;
    let known = 0;
    for (let index = 0; index < 200_000; index++) {
      const length = text.set(`w${index % 3 === 0 ? "ord that is longer than its slot " : ""}${index}`);
      const list = Int32Array.from({ length: 1 + (index % 5) }, (_, at) => index + at);
      table.add(text.view, { start: 0, length, count: list.length }, list);
      if (table.size > 98_304) wrong++;
    }
    for (let index = 0; index < 200_000; index++) {
      const length = text.set(`w${index % 3 === 0 ? "ord that is longer than its slot " : ""}${index}`);
      const place = table.find(text.view, 0, length);
      if (place < 0) continue;
      known++;
      const output = new TokenBuffer();
      table.appendIds(place, output);
      const got = output.take();
      if (got.length !== 1 + (index % 5) || got[0] !== index || got.at(-1) !== index + (index % 5)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThanOrEqual(98_304);
  });
});

describe("ByteText", () => {
  it("is the UTF-8 of its text, short or long, one after the other", () => {
    const text = new ByteText();
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.string({ maxLength: 60 })),
        (source) => {
          const length = text.set(source.repeat(1 + (source.length % 40)));
          const expected = new TextEncoder().encode(source.repeat(1 + (source.length % 40)));
          expect(Buffer.from(text.bytes.subarray(0, length)).equals(expected)).toBe(true);
          // Readable beyond its end.
          text.view.getInt32(length + 12, true);
          text.trim();
        },
      ),
      { numRuns: 100 },
    );
    expect(text.set("é".repeat(1 << 20))).toBe(1 << 21);
    text.trim();
    expect(text.bytes.length).toBeLessThan(1 << 20);
  });
});
