import { describe, expect, it } from "vitest";
import { createSnapshot, createWorkerView } from "../snapshot.ts";
import { ModelWorkersCache } from "./model-workers.ts";

const snapshotOf = (version: number) =>
  createSnapshot({
    version,
    publishedAtMs: 0,
    workers: [
      createWorkerView({ id: "a", slot: 0, models: ["m", "alias"], ranks: 2 }),
      createWorkerView({ id: "b", slot: 2, models: ["other"] }),
      createWorkerView({ id: "c", slot: 3 }),
      createWorkerView({ id: "d", slot: 4, role: "prefill" }),
    ],
  });

describe("ModelWorkersCache", () => {
  it("finds who serves a model, by any of its names", () => {
    const cache = new ModelWorkersCache();
    const ids = (model: string) => cache.get(snapshotOf(1), model).workers.map(({ id }) => id);
    expect([ids("m"), ids("alias"), ids("other"), ids("none"), ids("")]).toEqual([
      ["a", "c"],
      ["a", "c"],
      ["b", "c"],
      ["c"],
      ["a", "b", "c"],
    ]);
    expect(cache.get(snapshotOf(1), "m").columns.slots).toEqual(Int32Array.of(0, 1, 3));
  });

  it("remembers for one snapshot, and only so many names", () => {
    const cache = new ModelWorkersCache();
    const snapshot = snapshotOf(1);
    const first = cache.get(snapshot, "m");
    expect(cache.get(snapshot, "m")).toBe(first);
    Array.from({ length: 100 }).forEach((_, index) => cache.get(snapshot, `made-up-${index}`));
    expect(cache.get(snapshot, "m")).not.toBe(first);
    expect(cache.get(snapshotOf(2), "m").workers[0]).not.toBe(first.workers[0]);
  });
});
