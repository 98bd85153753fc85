import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attachRing, ringBufferSizeBytes } from "./spsc-ring.ts";

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), words: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rest" as const) }) },
);

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
        for (const { kind, ...rest } of steps) {
          if (kind === "write") {
            const record = Array.from({ length: (rest as { words: number }).words }, () => (next += 1));
            const fits = used + record.length + 1 <= 32;
            expect(writer.begin(record.length)).toBe(fits);
            if (!fits) {
              dropped += 1;
              continue;
            }
            record.slice(0, 1).forEach((word) => writer.put(word));
            writer.putAll(Int32Array.from(record.slice(1)), Math.max(0, record.length - 1));
            expect(writer.end()).toBe(isResting);
            isResting = false;
            queue.push(record);
            used += record.length + 1;
          } else if (kind === "read") {
            const record = queue.shift();
            const count = reader.read(into);
            expect(count).toBe(record?.length ?? -1);
            expect([...into.subarray(0, Math.max(0, count))]).toEqual(record ?? []);
            used -= record === undefined ? 0 : record.length + 1;
          } else {
            expect(reader.rest()).toBe(queue.length === 0);
            isResting = queue.length === 0;
          }
        }
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
