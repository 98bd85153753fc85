import { describe, expect, it } from "vitest";
import { createEngineLoadTable, engineLoadTableSizeBytes } from "./engine-load.ts";

const columns = () => ({
  runningRequests: new Float64Array(2),
  waitingRequests: new Float64Array(2),
  kvCacheUsage: new Float64Array(2),
  loadAgeMs: new Float64Array(2),
  foreignRequests: new Float64Array(2),
});
const load = { runningRequests: 4, waitingRequests: 3, kvCacheUsage: 0.25, observedAtMs: 100 };

describe("createEngineLoadTable()", () => {
  it("tells figures, their age, and what is not ours", () => {
    const table = createEngineLoadTable({ slotCapacity: 4 });
    table.report(2, load, 5);
    const read = columns();
    table.readInto(read, { slots: Int32Array.of(2, 1), count: 2, nowMs: 130 });
    expect(read).toEqual({
      runningRequests: Float64Array.of(4, NaN),
      waitingRequests: Float64Array.of(3, NaN),
      kvCacheUsage: Float64Array.of(0.25, NaN),
      loadAgeMs: Float64Array.of(30, Infinity),
      foreignRequests: Float64Array.of(2, 0),
    });
    table.report(2, load, 50);
    table.readInto(read, { slots: Int32Array.of(2), count: 1, nowMs: 90 });
    expect([read.foreignRequests[0], read.loadAgeMs[0]]).toEqual([0, 0]);
  });

  it("forgets a slot whose engine is another one", () => {
    const table = createEngineLoadTable({ slotCapacity: 4 });
    const adapters = { running: ["a"], waiting: [], capacity: 1 };
    table.report(1, { ...load, adapters }, 0);
    expect([table.load(1), table.adapters(1)]).toEqual([{ ...load, adapters }, adapters]);
    table.clear(1);
    expect([table.load(1), table.adapters(1), table.isKnown(1)]).toEqual([undefined, undefined, false]);
  });

  it("is read by another thread through its buffer", () => {
    const buffer = new SharedArrayBuffer(4 * 64);
    const writer = createEngineLoadTable({ slotCapacity: 4, buffer });
    const reader = createEngineLoadTable({ slotCapacity: 4, buffer });
    writer.report(3, load, 0);
    expect(reader.load(3)).toEqual(load);
    expect(() => createEngineLoadTable({ slotCapacity: 5, buffer })).toThrow(
      expect.objectContaining({ code: "invalid_parameter" }),
    );
  });

  it("tells another thread's table of adapters, each time they are others", () => {
    const buffer = new SharedArrayBuffer(engineLoadTableSizeBytes(2));
    const there = createEngineLoadTable({ slotCapacity: 2, buffer });
    let told = 0;
    const here = createEngineLoadTable({
      slotCapacity: 2,
      buffer,
      adaptersChanged: (slot, adapters) => {
        told += 1;
        there.setAdapters(slot, adapters);
      },
    });
    const load = { runningRequests: 1, waitingRequests: 0, kvCacheUsage: 0, observedAtMs: 5 };
    const adapters = { running: ["one"], waiting: [], capacity: 2 };
    here.report(1, { ...load, adapters }, 0);
    here.report(1, { ...load, adapters: { ...adapters, running: ["one"] } }, 0);
    expect([told, there.load(1)]).toEqual([1, { ...load, adapters }]);
    here.report(1, { ...load, adapters: { ...adapters, waiting: ["two"] } }, 0);
    here.clear(1);
    expect([told, there.adapters(1)]).toEqual([3, undefined]);
  });
});
