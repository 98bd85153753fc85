import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { CellFamily, HistogramCell, HistogramFamily, registerCellMetric } from "./metric-cells.ts";

describe("CellFamily", () => {
  it("gives the same cell for the same label values and prints it", async () => {
    const registry = new Registry();
    const family = new CellFamily("things_total", { help: "Things.", type: "counter" });
    registerCellMetric(registry, family);
    family.cell({ kind: "a" }).value += 2;
    family.cell({ kind: "a" }).value += 3;
    family.cell({ kind: 'b"\\' });

    expect(await registry.metrics()).toBe(
      [
        "# HELP things_total Things.",
        "# TYPE things_total counter",
        'things_total{kind="a"} 5',
        'things_total{kind="b\\"\\\\"} 0',
        "",
      ].join("\n"),
    );
  });

  it("drops the series of one label value", async () => {
    const family = new CellFamily("load", { help: "Load.", type: "gauge" });
    family.cell({ worker: "one", rank: "0" }).value = 1;
    family.cell({ worker: "two", rank: "0" }).value = 2;
    family.remove("worker", "one");

    const { values } = await family.get();
    expect(values).toEqual([{ labels: { worker: "two", rank: "0" }, value: 2 }]);
    family.cell({ worker: "one", rank: "0" }).value += 3;
    family.cell({ worker: "two", rank: "0" }).value += 1;
    expect((await family.get()).values.map(({ labels, value }) => [labels["worker"], value])).toEqual([
      ["two", 3],
      ["one", 3],
    ]);
    family.reset();
    family.cell({ worker: "one", rank: "0" }).value += 1;
    expect((await family.get()).values).toHaveLength(1);
  });

  it.each([1, 2, 3])("keeps apart what differs in any of %i labels, and finds it again", async (count) => {
    const family = new CellFamily("apart", { help: "Apart.", type: "gauge" });
    const names = ["a", "b", "c"].slice(0, count);
    const rows = Array.from({ length: 2 ** count }, (_, row) =>
      Object.fromEntries(names.map((name, at) => [name, `v${(row >> at) & 1}`])),
    );
    for (const _ of [1, 2, 3]) {
      for (const [row, labels] of rows.entries()) {
        family.cell(labels).value += row;
      }
    }
    expect((await family.get()).values).toEqual(rows.map((labels, row) => ({ labels, value: 3 * row })));
  });

  it("counts what exceeds its bound of combinations of two labels under other", async () => {
    const family = new CellFamily("busy_total", { help: "Busy.", type: "counter" });
    for (let index = 0; index < 10_005; index += 1) {
      family.cell({ name: `n${index}`, kind: "k" }).value += 1;
    }
    family.cell({ name: "n10004", kind: "k" }).value += 1;
    const { values } = await family.get();
    expect(values).toHaveLength(10_001);
    expect(values.at(-1)).toEqual({ labels: { name: "other", kind: "other" }, value: 6 });
  });

  it("counts what exceeds its bound of label combinations under other", async () => {
    const family = new CellFamily("busy_total", { help: "Busy.", type: "counter" });
    for (let index = 0; index < 10_005; index += 1) {
      family.cell({ name: `n${index}` }).value += 1;
    }

    const { values } = await family.get();
    expect(values).toHaveLength(10_001);
    expect(values.at(-1)).toEqual({ labels: { name: "other" }, value: 5 });
  });
});

describe("HistogramCell", () => {
  it("counts a value in the bucket whose bound it does not exceed", () => {
    const cell = new HistogramCell(Float64Array.of(1, 2, 5));
    for (const value of [0, 1, 1.5, 2, 4.999, 5, 5.001]) {
      cell.observe(value);
    }

    expect([...cell.counts]).toEqual([2, 2, 2]);
    expect(cell.count).toBe(7);
    expect(cell.sum).toBeCloseTo(19.5);
  });
});

describe("HistogramFamily", () => {
  it("prints cumulative buckets, sum and count", async () => {
    const registry = new Registry();
    const family = new HistogramFamily("wait_seconds", { help: "Wait.", buckets: [0.1, 1] });
    registerCellMetric(registry, family);
    const cell = family.cell({ route: "/x" });
    cell.observe(0.05);
    cell.observe(0.5);
    cell.observe(7);

    expect((await registry.metrics()).split("\n")).toEqual([
      "# HELP wait_seconds Wait.",
      "# TYPE wait_seconds histogram",
      'wait_seconds_bucket{route="/x",le="0.1"} 1',
      'wait_seconds_bucket{route="/x",le="1"} 2',
      'wait_seconds_bucket{route="/x",le="+Inf"} 3',
      'wait_seconds_sum{route="/x"} 7.55',
      'wait_seconds_count{route="/x"} 3',
      "",
    ]);
  });

  it("prints as a summary without buckets", async () => {
    const registry = new Registry();
    const family = new HistogramFamily("size_bytes", { help: "Size.", buckets: [] });
    registerCellMetric(registry, family);
    family.cell({}).observe(12);

    expect(await registry.metrics()).toBe(
      "# HELP size_bytes Size.\n# TYPE size_bytes summary\nsize_bytes_sum 12\nsize_bytes_count 1\n",
    );
  });
});
