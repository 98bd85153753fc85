import fc from "fast-check";
import { expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { SessionTable } from "./session-table.ts";

it("never exceeds its bound and counts each slot's sessions right, whatever comes", () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 12 }),
    candidate: fc.integer({ min: 0, max: 2 }),
    afterMs: fc.integer({ min: 0, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, capacity) => {
      const table = new SessionTable({ capacity, ttlMs: 100 });
      const input = new DecisionInputBuffer();
      input.begin({ candidates: 3, drawCount: 0, valueCount: 1 });
      [0, 1, 2].forEach((slot) => input.addCandidate(`w${slot}`, slot, 0));
      for (const { key, candidate, afterMs } of steps) {
        input.atMs += afterMs;
        table.bind(key, input, candidate);
        expect(table.candidateOf(key, input)).toBe(candidate);
        expect(table.size).toBeLessThanOrEqual(capacity);
        expect([0, 1, 2].reduce((sum, slot) => sum + table.countOf(slot), 0)).toBe(table.size);
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});
