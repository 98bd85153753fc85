import type { Metric, Registry } from "prom-client";

/** A number somebody adds to or sets; read when the metrics are scraped. */
export interface Cell {
  value: number;
}

type Labels = Readonly<Record<string, string>>;

/** Label combinations a family keeps at most; the ones that come later are counted together under `other`. */
const CELL_LIMIT = 10_000;

/** One printed number of a metric. */
export interface PrintedValue {
  readonly metricName?: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/** What prom-client's registry asks of a metric when it prints. */
export interface PrintedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly PrintedValue[];
}

/** A metric of our own beside prom-client's: counting is one addition, because the hot path counts per token. */
export interface CellMetric {
  readonly name: string;
  /** Drops every series whose label `name` has this value, for example of a worker that was removed. */
  remove(name: string, value: string): void;
  get(): Promise<PrintedMetric>;
  reset(): void;
}

/** Registers a metric of our own with prom-client's registry, which prints it with the rest. */
export function registerCellMetric(registry: Registry, metric: CellMetric): void {
  registry.registerMetric(metric as unknown as Metric<string>);
}

/** The cells of a family by their label values, made at first use and bounded in number. */
class CellTable<TCell> {
  readonly #create: () => TCell;
  readonly #entries = new Map<string, CellEntry<TCell>>();
  /** Those of two labels by the one and the other, so that nothing is put together to find them. */
  readonly #pairs = new Map<string, Map<string, TCell>>();

  constructor(create: () => TCell) {
    this.#create = create;
  }

  get(labels: Labels): TCell {
    // A family's labels are always the same: one value alone is its own key, which costs no new text.
    let first: string | undefined;
    let second: string | undefined;
    let key: string | undefined;
    for (const name in labels) {
      const value = labels[name] ?? "";
      if (first === undefined) {
        first = value;
      } else if (second === undefined) {
        second = value;
      } else {
        key = `${key ?? `${first}\u0000${second}`}\u0000${value}`;
      }
    }
    return first === undefined || second === undefined || key !== undefined
      ? this.#find(key ?? first ?? "", labels)
      : this.#findPair(first, second, labels);
  }

  values(): Iterable<CellEntry<TCell>> {
    return this.#entries.values();
  }

  remove(name: string, value: string): void {
    this.#pairs.clear();
    for (const [key, entry] of this.#entries) {
      if (entry.labels[name] === value) {
        this.#entries.delete(key);
      }
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#pairs.clear();
  }

  #findPair(first: string, second: string, labels: Labels): TCell {
    const known = this.#pairs.get(first)?.get(second);
    if (known !== undefined) {
      return known;
    }
    const key = `${first}\u0000${second}`;
    const cell = this.#find(key, labels);
    if (this.#entries.has(key)) {
      const seconds = this.#pairs.get(first) ?? new Map<string, TCell>();
      this.#pairs.set(first, seconds.set(second, cell));
    }
    return cell;
  }

  #find(key: string, labels: Labels): TCell {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      return known.cell;
    }
    if (this.#entries.size >= CELL_LIMIT) {
      return this.#overflow(labels);
    }
    return this.#add(key, labels);
  }

  #overflow(labels: Labels): TCell {
    const known = this.#entries.get("other");
    return known === undefined
      ? this.#add("other", Object.fromEntries(Object.keys(labels).map((name) => [name, "other"])))
      : known.cell;
  }

  #add(key: string, labels: Labels): TCell {
    const cell = this.#create();
    this.#entries.set(key, { labels, cell });
    return cell;
  }
}

interface CellEntry<TCell> {
  readonly labels: Labels;
  readonly cell: TCell;
}

/** A counter or gauge with one {@link Cell} per combination of label values; keep the cell, not the labels, on a hot path. */
export class CellFamily implements CellMetric {
  readonly name: string;
  readonly #help: string;
  readonly #type: "counter" | "gauge";
  readonly #cells = new CellTable<Cell>(() => ({ value: 0 }));

  constructor(name: string, options: { readonly help: string; readonly type: "counter" | "gauge" }) {
    this.name = name;
    this.#help = options.help;
    this.#type = options.type;
  }

  /** The cell of these label values, made at first use with value 0. */
  cell(labels: Labels): Cell {
    return this.#cells.get(labels);
  }

  remove(name: string, value: string): void {
    this.#cells.remove(name, value);
  }

  get(): Promise<PrintedMetric> {
    const values = Array.from(this.#cells.values(), (entry) => ({
      labels: { ...entry.labels },
      value: entry.cell.value,
    }));
    return Promise.resolve({
      name: this.name,
      help: this.#help,
      type: this.#type,
      aggregator: "sum",
      values,
    });
  }

  reset(): void {
    this.#cells.clear();
  }
}

/** Buckets, sum and count of one combination of label values. */
export class HistogramCell {
  readonly #upperBounds: Float64Array;
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(upperBounds: Float64Array) {
    this.#upperBounds = upperBounds;
    this.counts = new Float64Array(upperBounds.length);
  }

  /** Counts one value, in the metric's unit. */
  observe(value: number): void {
    const bounds = this.#upperBounds;
    this.sum += value;
    this.count += 1;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] ?? 0) < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low < bounds.length) {
      this.counts[low] = (this.counts[low] ?? 0) + 1;
    }
  }
}

/** A histogram with one {@link HistogramCell} per combination of label values; without buckets it prints as a summary. */
export class HistogramFamily implements CellMetric {
  readonly name: string;
  readonly #help: string;
  readonly #upperBounds: Float64Array;
  readonly #cells: CellTable<HistogramCell>;

  /** @param options help text and ascending upper bounds in the metric's unit; no bounds makes a summary of sum and count */
  constructor(name: string, options: { readonly help: string; readonly buckets: readonly number[] }) {
    this.name = name;
    this.#help = options.help;
    const bounds = Float64Array.from(options.buckets);
    this.#upperBounds = bounds;
    this.#cells = new CellTable(() => new HistogramCell(bounds));
  }

  /** The cell of these label values, made at first use. */
  cell(labels: Labels): HistogramCell {
    return this.#cells.get(labels);
  }

  remove(name: string, value: string): void {
    this.#cells.remove(name, value);
  }

  get(): Promise<PrintedMetric> {
    const values: PrintedValue[] = [];
    for (const { labels, cell } of this.#cells.values()) {
      if (this.#upperBounds.length > 0) {
        this.#printBuckets(values, { labels, cell });
      }
      values.push({ metricName: `${this.name}_sum`, labels: { ...labels }, value: cell.sum });
      values.push({ metricName: `${this.name}_count`, labels: { ...labels }, value: cell.count });
    }
    const type = this.#upperBounds.length > 0 ? "histogram" : "summary";
    return Promise.resolve({ name: this.name, help: this.#help, type, aggregator: "sum", values });
  }

  reset(): void {
    this.#cells.clear();
  }

  #printBuckets(
    values: PrintedValue[],
    entry: { readonly labels: Labels; readonly cell: HistogramCell },
  ): void {
    const metricName = `${this.name}_bucket`;
    let cumulative = 0;
    this.#upperBounds.forEach((bound, index) => {
      cumulative += entry.cell.counts[index] ?? 0;
      values.push({ metricName, labels: { ...entry.labels, le: bound }, value: cumulative });
    });
    values.push({ metricName, labels: { ...entry.labels, le: "+Inf" }, value: entry.cell.count });
  }
}
