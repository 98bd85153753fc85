import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attachRing, ringBufferSizeBytes, type RingWriter } from "./spsc-ring.ts";

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), words: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rest" as const) }) },
);

/** Puts a record, the first word by itself. */
function finish(writer: RingWriter, record: readonly number[]): boolean {
  record.slice(0, 1).forEach((word) => writer.put(word));
  writer.putAll(Int32Array.from(record.slice(1)), Math.max(0, record.length - 1));
  return writer.end();
}

describe("ring properties", () => {
  it("hands over in order exactly what found room, and wakes a reader that rests once", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const buffer = new SharedArrayBuffer(ringBufferSizeBytes(32));
        const writer = attachRing(buffer);
        const reader = attachRing(buffer);
        const queue: number[][] = [];
        const into = new Int32Array(reader.longest);
        let used = 0;
        let dropped = 0;
        let isResting = false;
        let next = 0;
        const told: unknown[] = [];
        const expected: unknown[] = [];
        for (const each of steps) {
          if (each.kind === "write") {
            const record = Array.from({ length: each.words }, () => (next += 1));
            const fits = used + record.length + 1 <= 32;
            expected.push(fits, fits && isResting);
            const hasBegun = writer.begin(record.length);
            told.push(hasBegun, hasBegun && finish(writer, record));
            dropped += fits ? 0 : 1;
            if (fits) {
              isResting = false;
              queue.push(record);
              used += record.length + 1;
            }
          } else if (each.kind === "read") {
            const record = queue.shift();
            expected.push(record?.length ?? -1, record ?? []);
            const count = reader.read(into);
            told.push(count, [...into.subarray(0, Math.max(0, count))]);
            used -= record === undefined ? 0 : record.length + 1;
          } else {
            expected.push(queue.length === 0);
            told.push(reader.rest());
            isResting = queue.length === 0;
          }
        }
        expect(told).toEqual(expected);
        expect(reader.dropped).toBe(dropped);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it("goes on where its positions wrap round", () => {
    const buffer = new SharedArrayBuffer(ringBufferSizeBytes(8));
    const control = new Int32Array(buffer);
    control[0] = 2 ** 31 - 3;
    control[16] = 2 ** 31 - 3;
    const ring = attachRing(buffer);
    const into = new Int32Array(8);
    for (let round = 0; round < 5; round += 1) {
      expect(ring.begin(4)).toBe(true);
      ring.putAll(Int32Array.of(round, 2, 3, 4), 4);
      ring.end();
      expect(ring.begin(4)).toBe(false);
      expect(ring.read(into)).toBe(4);
      expect(into[0]).toBe(round);
    }
    expect(() => attachRing(new ArrayBuffer(4 * (64 + 6)))).toThrow("power of two");
  });
});
