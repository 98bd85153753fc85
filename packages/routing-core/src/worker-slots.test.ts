import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorkerSlots } from "./worker-slots.ts";

describe("createWorkerSlots()", () => {
  it("hands out consecutive slots and reuses them only after release and when idle", () => {
    const busy = new Set([0, 1]);
    const reused: number[] = [];
    const slots = createWorkerSlots({
      capacity: 4,
      isIdle: (slot) => !busy.has(slot),
      onReuse: (slot) => reused.push(slot),
    });
    expect([slots.reserve(2), slots.reserve(1)]).toEqual([0, 2]);
    slots.release(0);
    expect(slots.used).toBe(3);
    expect(() => slots.reserve(2)).toThrow(expect.objectContaining({ code: "slots_exhausted" }));
    busy.delete(1);
    expect(slots.reserve(1)).toBe(1);
    busy.delete(0);
    expect([slots.reserve(1), slots.reserve(1), reused]).toEqual([0, 3, [1, 0]]);
  });

  it("refuses what was not reserved", () => {
    const slots = createWorkerSlots({ capacity: 4, isIdle: () => true });
    slots.reserve(2);
    expect(() => slots.release(1)).toThrow(expect.objectContaining({ code: "slot_not_reserved" }));
    slots.release(0);
    expect(() => slots.release(0)).toThrow(expect.objectContaining({ code: "slot_not_reserved" }));
    expect(() => slots.reserve(0)).toThrow(expect.objectContaining({ code: "invalid_parameter" }));
  });

  it("never gives one slot to two workers", () => {
    const operation = fc.record({
      ranks: fc.integer({ min: 1, max: 4 }),
      isRelease: fc.boolean(),
      pick: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const slots = createWorkerSlots({ capacity: 12, isIdle: () => true });
        const held: number[][] = [];
        for (const { ranks, isRelease, pick } of operations) {
          const victim = held[pick % Math.max(1, held.length)];
          if (isRelease && victim !== undefined) {
            slots.release(victim[0]!);
            held.splice(held.indexOf(victim), 1);
          } else {
            try {
              const first = slots.reserve(ranks);
              held.push(Array.from({ length: ranks }, (_, rank) => first + rank));
            } catch {
              // No room: the occupancy below is what counts.
            }
          }
          const taken = held.flat();
          expect(new Set(taken).size).toBe(taken.length);
          expect(slots.used).toBe(taken.length);
        }
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});
