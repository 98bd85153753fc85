import type { EngineAdapters } from "@vllm-router/routing-core";

/** The figures of one rank in an engine's `/metrics`. */
export interface RankFigures {
  readonly rank: number;
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvCacheUsage: number;
  readonly adapters: EngineAdapters | undefined;
}

const RUNNING = "vllm:num_requests_running";
const WAITING = "vllm:num_requests_waiting";
const KV_USAGE = "vllm:kv_cache_usage_perc";
/** Its name before vLLM 0.11. */
const OLD_KV_USAGE = "vllm:gpu_cache_usage_perc";
const LORA = "vllm:lora_requests_info";

const NAMES = [RUNNING, WAITING, KV_USAGE, OLD_KV_USAGE, LORA];

/**
 * Reads the load of every rank out of vLLM's metrics in Prometheus' text format. Only the lines looked for are taken
 * apart: an engine prints hundreds of others. Empty when it prints none of them (`--disable-log-stats`).
 */
export function readEngineFigures(text: string): readonly RankFigures[] {
  const ranks = new Map<number, RankLines>();
  for (const name of NAMES) {
    let at = text.indexOf(`\n${name}{`);
    while (at !== -1) {
      const end = text.indexOf("\n", at + 1);
      const line = text.slice(at + 1, end === -1 ? text.length : end);
      readLine(line, name, ranks);
      at = end === -1 ? -1 : text.indexOf(`\n${name}{`, end);
    }
  }
  return [...ranks]
    .filter(([, lines]) => !Number.isNaN(lines.running))
    .map(([rank, lines]) => ({
      rank,
      runningRequests: lines.running,
      waitingRequests: lines.waiting,
      kvCacheUsage: lines.kvUsage,
      adapters: lines.adapters,
    }));
}

interface RankLines {
  running: number;
  waiting: number;
  kvUsage: number;
  adapters: EngineAdapters | undefined;
  /** vLLM prints a line per set of adapters it has ever had; the latest one is true. */
  adaptersAtSeconds: number;
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

function readLine(line: string, name: string, ranks: Map<number, RankLines>): void {
  const open = line.indexOf("{");
  const close = line.lastIndexOf("}");
  if (open === -1 || close < open) {
    return;
  }
  const labels = new Map<string, string>();
  for (const [, label = "", value = ""] of line.slice(open, close).matchAll(LABEL)) {
    labels.set(label, value);
  }
  const value = Number(
    line
      .slice(close + 1)
      .trim()
      .split(" ", 1)[0],
  );
  const rank = Number(labels.get("engine") ?? 0);
  if (!Number.isFinite(value) || !Number.isInteger(rank) || rank < 0) {
    return;
  }
  const known = ranks.get(rank) ?? {
    running: NaN,
    waiting: 0,
    kvUsage: 0,
    adapters: undefined,
    adaptersAtSeconds: -Infinity,
  };
  ranks.set(rank, known);
  if (name === RUNNING) {
    known.running = value;
  } else if (name === WAITING) {
    known.waiting = value;
  } else if (name === LORA) {
    if (value >= known.adaptersAtSeconds) {
      known.adaptersAtSeconds = value;
      known.adapters = adaptersOf(labels);
    }
  } else {
    known.kvUsage = value;
  }
}

function adaptersOf(labels: ReadonlyMap<string, string>): EngineAdapters {
  const list = (label: string): readonly string[] =>
    (labels.get(label) ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
  const capacity = Number(labels.get("max_lora"));
  return {
    running: list("running_lora_adapters"),
    waiting: list("waiting_lora_adapters"),
    capacity: Number.isInteger(capacity) && capacity > 0 ? capacity : 0,
  };
}
