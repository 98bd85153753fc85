import { array, assert, boolean, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { RunningList } from "./running-list.ts";

describe("RunningList", () => {
  it("holds what a Set would hold", () => {
    assert(
      property(array(boolean(), { maxLength: 200 }), (steps) => {
        const list = new RunningList<number>();
        const model = new Set<number>();
        const removals: { readonly item: number; readonly remove: () => void }[] = [];
        steps.forEach((isAdd, step) => {
          if (isAdd) {
            removals.push({ item: step, remove: list.add(step) });
            model.add(step);
            return;
          }
          const removal = removals[(step * 7) % Math.max(1, removals.length)];
          removal?.remove();
          model.delete(removal?.item ?? -1);
        });
        expect(list.size).toBe(model.size);
        expect(list.items().toSorted((a, b) => a - b)).toEqual([...model]);
      }),
      { numRuns: 300, seed: 20_261_127 },
    );
  });
});
