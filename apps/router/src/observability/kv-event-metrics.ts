import type { Registry } from "prom-client";
import { CellFamily, registerCellMetric } from "./metric-cells.ts";

/** What is known of a worker's KV cache by its events, its ranks together. Counts are of the worker's present life. */
export interface KvEventFigures {
  readonly worker: string;
  /** Blocks of the index that it holds by its own word. */
  readonly blocks: number;
  readonly batches: number;
  readonly gaps: number;
  /** Gaps closed by a replay. */
  readonly replays: number;
  /** Publishers that began to count anew. */
  readonly restarts: number;
  /** Times that it emptied its cache. */
  readonly cleared: number;
  /** Blocks that could not be placed: what precedes them is not known, or their size is none of the index's. */
  readonly lost: number;
  /** Age of the last event; undefined where none came. */
  readonly ageSeconds: number | undefined;
}

/** Metrics of KV events by worker: read at each scrape. */
export class KvEventMetrics {
  readonly #families: CellFamily[] = [];
  readonly #registry: Registry;
  readonly #blocks = this.#family(
    "blocks",
    "gauge",
    "Blocks of 16 prompt tokens that the worker's KV events say it holds.",
  );
  readonly #age = this.#family("age_seconds", "gauge", "Age of the worker's last KV event.");
  readonly #batches = this.#family("batches_total", "counter", "Batches of KV events that came.");
  readonly #gaps = this.#family("gaps_total", "counter", "Times that batches of KV events were missing.");
  readonly #replays = this.#family("replays_total", "counter", "Gaps that were closed by a replay.");
  readonly #restarts = this.#family("restarts_total", "counter", "Publishers that began to count anew.");
  readonly #cleared = this.#family("cleared_total", "counter", "Times that the engine emptied its cache.");
  readonly #lost = this.#family(
    "lost_blocks_total",
    "counter",
    "Blocks of KV events that could not be placed: their predecessor is not known, or their size does not fit.",
  );

  constructor(registry: Registry) {
    this.#registry = registry;
    for (const family of this.#families) registerCellMetric(this.#registry, family);
  }

  /** Takes over the figures of all workers. */
  refresh(workers: Iterable<KvEventFigures>): void {
    for (const figures of workers) {
      const labels = { worker: figures.worker };
      this.#blocks.cell(labels).value = figures.blocks;
      this.#batches.cell(labels).value = figures.batches;
      this.#gaps.cell(labels).value = figures.gaps;
      this.#replays.cell(labels).value = figures.replays;
      this.#restarts.cell(labels).value = figures.restarts;
      this.#cleared.cell(labels).value = figures.cleared;
      this.#lost.cell(labels).value = figures.lost;
      if (figures.ageSeconds === undefined) this.#age.remove("worker", figures.worker);
      else this.#age.cell(labels).value = figures.ageSeconds;
    }
  }

  /** Forgets a worker that was removed. */
  remove(worker: string): void {
    for (const family of this.#families) family.remove("worker", worker);
  }

  #family(name: string, type: "counter" | "gauge", help: string): CellFamily {
    const family = new CellFamily(`vllm_router_kv_event_${name}`, { help, type });
    this.#families.push(family);
    return family;
  }
}
