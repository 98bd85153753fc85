import { array, assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamTable } from "./stream-table.ts";

describe("StreamTable", () => {
  it("holds what a Map would hold, also when old streams stay while many come and go", () => {
    assert(
      property(array(integer({ min: 0, max: 1000 }), { maxLength: 3000, size: "max" }), (steps) => {
        const table = new StreamTable<{ readonly streamId: number }>();
        const model = new Map<number, { readonly streamId: number }>();
        let nextId = 1;
        for (const step of steps) {
          if (step < 550 || model.size === 0) {
            const stream = { streamId: nextId };
            table.add(stream);
            model.set(nextId, stream);
            nextId += 2;
            continue;
          }
          // Mostly the newer ones end, so that the first ones grow old.
          const ids = [...model.keys()];
          const id = ids[Math.max(0, ids.length - 1 - (step % 50))] as number;
          expect(table.get(id)).toBe(model.get(id));
          expect(table.delete(id)).toBe(true);
          expect(table.delete(id)).toBe(false);
          expect(table.get(id)).toBeUndefined();
          model.delete(id);
        }
        expect(table.size).toBe(model.size);
        expect(table.all().toSorted((a, b) => a.streamId - b.streamId)).toEqual([...model.values()]);
        for (const [id, stream] of model) expect(table.get(id)).toBe(stream);
        table.clear();
        expect(table.all()).toEqual([]);
      }),
      { numRuns: 60, seed: 20_261_127 },
    );
  });
});
