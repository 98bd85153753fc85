import { type KvEventFigures, KvEventMetrics } from "./kv-event-metrics.ts";
import type { Registry } from "prom-client";
import { ROUTER_SECONDS } from "./metric-buckets.ts";
import { CellFamily, HistogramFamily, registerCellMetric, type CellMetric } from "./metric-cells.ts";
import type { AttemptOutcome, RequestSummary, RouterObserver, WorkerState } from "./router-observer.ts";

/** Breaker states as the Rust router numbers them. */
const BREAKER_NUMBERS: Readonly<Record<string, number>> = { closed: 0, open: 1, "half-open": 2 };

/** Values read at the moment of a scrape instead of being told. */
export interface MetricSources {
  /** In-flight requests per worker, straight from the ledger. */
  inFlight(): Iterable<readonly [worker: string, requests: number]>;
  /** Requests waiting for admission. */
  queued(): number;
  /** What is known by KV events. */
  kvEvents?(): Iterable<KvEventFigures>;
}

/** The Rust router's series (`vllm_router_*`), plus the ones its users asked for: in-flight, queue, first token. */
export class RouterMetrics {
  readonly #families: CellMetric[] = [];
  readonly #requests = this.#counter("requests_total", "Requests answered with 2xx, by route.");
  readonly #duration = this.#histogram(
    "request_duration_seconds",
    "Duration of requests to the end of the body, by route.",
  );
  readonly #generate = this.#histogram(
    "generate_duration_seconds",
    "Duration of generations to the end of the body.",
  );
  readonly #errors = this.#counter(
    "request_errors_total",
    "Requests that failed, by route and kind of error.",
  );
  readonly #responses = this.#counter("responses_total", "Answers by route and status code.");
  readonly #retries = this.#counter("retries_total", "Retries, by route.");
  readonly #exhausted = this.#counter(
    "retries_exhausted_total",
    "Requests given up after the last retry, by route.",
  );
  readonly #backoff = this.#histogram("retry_backoff_duration_seconds", "Delay before a retry, by attempt.");
  readonly #breakerState = this.#gauge(
    "cb_state",
    "State of a worker's circuit breaker: 0 closed, 1 open, 2 half open.",
  );
  readonly #breakerMoves = this.#counter(
    "cb_state_transitions_total",
    "Changes of a worker's circuit breaker.",
  );
  readonly #breakerOutcomes = this.#counter(
    "cb_outcomes_total",
    "Outcomes told to a worker's circuit breaker.",
  );
  readonly #activeWorkers = this.#gauge("active_workers", "Registered workers.");
  readonly #workerHealth = this.#gauge("worker_health", "1 when a worker is healthy, else 0.");
  readonly #workerLoad = this.#gauge("worker_load", "Requests in flight on a worker.");
  readonly #running = this.#gauge("running_requests", "Requests in flight on a worker.");
  readonly #processed = this.#counter("processed_requests_total", "Requests given to a worker.");
  readonly #decisions = this.#counter("policy_decisions_total", "Decisions, by policy and worker.");
  readonly #cacheHits = this.#counter(
    "cache_hits_total",
    "Generations of which the engine had part of the prompt cached.",
  );
  readonly #cacheMisses = this.#counter(
    "cache_misses_total",
    "Generations of which the engine had nothing cached.",
  );
  readonly #balanced = this.#counter(
    "load_balancing_events_total",
    "Decisions in which load won over a cached prefix.",
  );
  readonly #maxLoad = this.#gauge("max_load", "Requests in flight on the busiest worker.");
  readonly #minLoad = this.#gauge("min_load", "Requests in flight on the idlest worker.");
  readonly #inFlight = this.#gauge("in_flight_requests", "Requests the router is serving.");
  readonly #queued = this.#gauge("queued_requests", "Requests waiting for admission.");
  readonly #pairs = this.#counter(
    "pd_decisions_total",
    "Decisions where prefill and decode are apart, by kind and the reason for a decode leg alone.",
  );
  readonly #prefills = this.#counter("pd_prefill_requests_total", "Prefill legs that ended well, by worker.");
  readonly #prefillErrors = this.#counter(
    "pd_prefill_errors_total",
    "Prefill legs that failed, by worker and error.",
  );
  readonly #fallbacks = this.#counter(
    "pd_fallbacks_total",
    "Prompts computed by a decode worker because no prefill worker did it.",
  );
  readonly #kvEvents: KvEventMetrics;
  readonly #firstToken = this.#histogram(
    "time_to_first_token_duration_seconds",
    "Time to the first output, by route.",
  );
  readonly #inFlightCell = this.#inFlight.cell({});
  readonly #workers = new Set<string>();
  readonly #sources: MetricSources;

  constructor(registry: Registry, sources: MetricSources) {
    this.#sources = sources;
    this.#kvEvents = new KvEventMetrics(registry);
    // Present from the start, so that a scrape before the first event shows zero instead of nothing.
    for (const family of [
      this.#activeWorkers,
      this.#inFlight,
      this.#cacheHits,
      this.#cacheMisses,
      this.#balanced,
    ]) {
      family.cell({});
    }
    for (const family of this.#families) {
      registerCellMetric(registry, family);
    }
  }

  /** Reads what is not told: call before printing. */
  refresh(): void {
    let most = 0;
    let least = Infinity;
    for (const [worker, requests] of this.#sources.inFlight()) {
      if (!this.#workers.has(worker)) {
        continue;
      }
      this.#running.cell({ worker }).value = requests;
      this.#workerLoad.cell({ worker }).value = requests;
      most = Math.max(most, requests);
      least = Math.min(least, requests);
    }
    this.#maxLoad.cell({}).value = most;
    this.#minLoad.cell({}).value = Number.isFinite(least) ? least : 0;
    this.#queued.cell({}).value = this.#sources.queued();
    this.#kvEvents.refresh(this.#sources.kvEvents?.() ?? []);
  }

  /** The observer that feeds these metrics. */
  readonly observer: Omit<RouterObserver, "internalError"> = {
    requestStarted: () => {
      this.#inFlightCell.value += 1;
    },
    requestFinished: (summary) => this.#finished(summary),
    decided: (policy, worker, reason) => {
      if (reason === "balance") {
        this.#balanced.cell({}).value += 1;
      }
      this.#decisions.cell({ policy, worker }).value += 1;
      this.#processed.cell({ worker }).value += 1;
    },
    attemptEnded: (worker, outcome) => this.#attemptEnded(worker, outcome),
    retryScheduled: (route, attempt, delayMs) => {
      this.#retries.cell({ route }).value += 1;
      this.#backoff.cell({ attempt: String(attempt) }).observe(delayMs / 1000);
    },
    retriesExhausted: (route) => {
      this.#exhausted.cell({ route }).value += 1;
    },
    breakerChanged: (worker, from, to) => {
      this.#breakerState.cell({ worker }).value = BREAKER_NUMBERS[to] ?? 0;
      this.#breakerMoves.cell({ worker, from: from.replace("-", "_"), to: to.replace("-", "_") }).value += 1;
    },
    pairDecided: (kind, reason) => {
      this.#pairs.cell({ kind, reason }).value += 1;
    },
    pairTold: (event) => {
      if (event.kind === "prefilled") {
        this.#prefills.cell({ worker: event.worker }).value += 1;
      } else if (event.kind === "prefill-failed") {
        this.#prefillErrors.cell({ worker: event.worker, error_type: event.code }).value += 1;
      } else {
        this.#fallbacks.cell({}).value += 1;
      }
    },
    workerChanged: (worker, state) => this.#workerChanged(worker, state),
  };

  #finished(summary: RequestSummary): void {
    const route = summary.route;
    this.#inFlightCell.value -= 1;
    this.#responses.cell({ route, status: String(summary.status) }).value += 1;
    this.#duration.cell({ route }).observe(summary.durationMs / 1000);
    if (summary.status >= 200 && summary.status < 300) {
      this.#requests.cell({ route }).value += 1;
    }
    if (summary.errorCode !== undefined) {
      this.#errors.cell({ route, error_type: summary.errorCode }).value += 1;
    }
    const generation = summary.generation;
    if (generation?.firstTokenMs !== undefined) {
      this.#generate.cell({}).observe(summary.durationMs / 1000);
      this.#firstToken.cell({ route }).observe(generation.firstTokenMs / 1000);
      (generation.cachedTokens > 0 ? this.#cacheHits : this.#cacheMisses).cell({}).value += 1;
    }
  }

  #attemptEnded(worker: string, outcome: AttemptOutcome): void {
    // A worker that was removed while this attempt ran has no series any more.
    if (outcome !== "cancelled" && this.#workers.has(worker)) {
      this.#breakerOutcomes.cell({
        worker,
        outcome: outcome === "failure" ? "failure" : "success",
      }).value += 1;
    }
  }

  #workerChanged(worker: string, state: WorkerState): void {
    if (state === "removed") {
      this.#workers.delete(worker);
      this.#kvEvents.remove(worker);
      for (const family of this.#families) {
        family.remove("worker", worker);
      }
    } else {
      this.#workers.add(worker);
      this.#workerHealth.cell({ worker }).value = state === "ready" ? 1 : 0;
      this.#breakerState.cell({ worker });
    }
    this.#activeWorkers.cell({}).value = this.#workers.size;
  }

  #counter(name: string, help: string): CellFamily {
    const family = new CellFamily(`vllm_router_${name}`, { help, type: "counter" });
    this.#families.push(family);
    return family;
  }

  #gauge(name: string, help: string): CellFamily {
    const family = new CellFamily(`vllm_router_${name}`, { help, type: "gauge" });
    this.#families.push(family);
    return family;
  }

  #histogram(name: string, help: string): HistogramFamily {
    const family = new HistogramFamily(`vllm_router_${name}`, { help, buckets: ROUTER_SECONDS });
    this.#families.push(family);
    return family;
  }
}
