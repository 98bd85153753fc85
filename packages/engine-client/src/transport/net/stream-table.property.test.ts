import { assert, constant, integer, oneof, property, tuple, array } from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamTable } from "./stream-table.ts";

const step = oneof(
  tuple(constant("set" as const), integer({ min: 1, max: 400 })),
  tuple(constant("delete" as const), integer({ min: 1, max: 400 })),
);

describe("StreamTable", () => {
  it("holds what a Map would hold", () => {
    assert(
      property(array(step, { maxLength: 600 }), (steps) => {
        const table = new StreamTable<number>();
        const map = new Map<number, number>();
        steps.forEach(([kind, id], value) => {
          const same =
            kind === "set"
              ? [table.set(id, value), map.set(id, value)].length === 2
              : table.delete(id) === map.delete(id);
          expect(same).toBe(true);
          expect(table.get(id)).toBe(map.get(id));
        });
        expect(table.size).toBe(map.size);
        expect(new Map(table.entries())).toEqual(map);
        expect(new Set(table)).toEqual(new Set(map.values()));
      }),
    );
  });

  it("keeps a stream that lasts while thousands come and go", () => {
    const table = new StreamTable<string>();
    table.set(1, "lasting");
    for (let id = 3; id < 20_001; id += 2) {
      table.set(id, "short");
      table.delete(id);
    }
    expect(table.get(1)).toBe("lasting");
    expect(table.size).toBe(1);
  });

  it("is empty after clear", () => {
    const table = new StreamTable<string>();
    table.set(5, "a");
    table.clear();
    expect(table.get(5)).toBeUndefined();
    expect(table.size).toBe(0);
  });
});
