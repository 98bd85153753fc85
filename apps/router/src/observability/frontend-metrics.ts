import type { Registry } from "prom-client";
import {
  FIRST_TOKEN_SECONDS,
  HTTP_COARSE_SECONDS,
  HTTP_FINE_SECONDS,
  REQUEST_LATENCY_SECONDS,
  SEQUENCE_COUNTS,
  TOKEN_GAP_SECONDS,
  tokenCountBuckets,
} from "./metric-buckets.ts";
import {
  type Cell,
  CellFamily,
  type CellMetric,
  type HistogramCell,
  HistogramFamily,
  registerCellMetric,
} from "./metric-cells.ts";
import type { GenerationSummary, RequestSummary } from "./router-observer.ts";

/** Routes that vLLM's HTTP instrumentation leaves out. */
const UNCOUNTED_ROUTES: ReadonlySet<string> = new Set([
  "/metrics",
  "/health",
  "/load",
  "/ping",
  "/version",
  "/server_info",
]);

/** Longest context whose token-count bounds are printed; longer prompts fall into `+Inf`. */
const TOKEN_BOUND_MAXIMUM = 200_000;

/**
 * The series that vLLM's own API server prints about requests and HTTP, measured at the router. Scheduler and cache
 * series stay the engine's. `engine` is always "0": the router cannot see which rank served a request.
 */
export class FrontendMetrics {
  readonly #families: CellMetric[] = [];
  readonly #httpRequests = this.#counter(
    "http_requests_total",
    "Total number of requests by method, status and handler.",
  );
  readonly #httpRequestSize = this.#histogram(
    "http_request_size_bytes",
    "Content length of incoming requests by handler.",
    [],
  );
  readonly #httpResponseSize = this.#histogram(
    "http_response_size_bytes",
    "Content length of outgoing responses by handler.",
    [],
  );
  readonly #httpFine = this.#histogram(
    "http_request_duration_highr_seconds",
    "Latency with many buckets and no labels.",
    HTTP_FINE_SECONDS,
  );
  readonly #httpCoarse = this.#histogram(
    "http_request_duration_seconds",
    "Latency with few buckets by handler.",
    HTTP_COARSE_SECONDS,
  );
  readonly #success = this.#counter(
    "vllm:request_success_total",
    "Count of successfully processed requests.",
  );
  readonly #promptTokens = this.#counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.");
  readonly #cachedTokens = this.#counter(
    "vllm:prompt_tokens_cached_total",
    "Number of prompt tokens served from a prefix cache.",
  );
  readonly #generationTokens = this.#counter(
    "vllm:generation_tokens_total",
    "Number of generation tokens processed.",
  );
  readonly #firstToken = this.#histogram(
    "vllm:time_to_first_token_seconds",
    "Time to first token in seconds.",
    FIRST_TOKEN_SECONDS,
  );
  readonly #gap = this.#histogram(
    "vllm:inter_token_latency_seconds",
    "Inter-token latency in seconds.",
    TOKEN_GAP_SECONDS,
  );
  readonly #perToken = this.#histogram(
    "vllm:request_time_per_output_token_seconds",
    "Time per output token of a request.",
    TOKEN_GAP_SECONDS,
  );
  readonly #endToEnd = this.#histogram(
    "vllm:e2e_request_latency_seconds",
    "End to end request latency in seconds.",
    REQUEST_LATENCY_SECONDS,
  );
  readonly #queue = this.#histogram(
    "vllm:request_queue_time_seconds",
    "Time a request waited for admission.",
    REQUEST_LATENCY_SECONDS,
  );
  readonly #inference = this.#histogram(
    "vllm:request_inference_time_seconds",
    "Time from admission to the last token.",
    REQUEST_LATENCY_SECONDS,
  );
  readonly #prefill = this.#histogram(
    "vllm:request_prefill_time_seconds",
    "Time from admission to the first token.",
    REQUEST_LATENCY_SECONDS,
  );
  readonly #decode = this.#histogram(
    "vllm:request_decode_time_seconds",
    "Time from first to last token.",
    REQUEST_LATENCY_SECONDS,
  );
  readonly #requestPrompt = this.#histogram(
    "vllm:request_prompt_tokens",
    "Prompt tokens per request.",
    tokenCountBuckets(TOKEN_BOUND_MAXIMUM),
  );
  readonly #requestOutput = this.#histogram(
    "vllm:request_generation_tokens",
    "Generated tokens per request.",
    tokenCountBuckets(TOKEN_BOUND_MAXIMUM),
  );
  readonly #paramN = this.#histogram("vllm:request_params_n", "The n request parameter.", SEQUENCE_COUNTS);
  readonly #paramMaxTokens = this.#histogram(
    "vllm:request_params_max_tokens",
    "The max_tokens request parameter.",
    tokenCountBuckets(TOKEN_BOUND_MAXIMUM),
  );
  /** Gap between two outputs; its cell is looked up once, since it is told once a token. */
  readonly #gapCells = new Map<string, ReturnType<HistogramFamily["cell"]>>();

  /** Cells that are looked up once, not once a request, by handler and method; routes, verbs and served models are few. */
  readonly #httpCells = new Map<string, Map<string, HttpCells>>();
  readonly #modelCells = new Map<string, ModelCells>();

  constructor(registry: Registry) {
    for (const family of this.#families) {
      registerCellMetric(registry, family);
    }
  }

  /** Cell of the inter-token latency of one model, to be kept by whoever counts per token. */
  gapCell(model: string): ReturnType<HistogramFamily["cell"]> {
    let cell = this.#gapCells.get(model);
    if (cell === undefined) {
      cell = this.#gap.cell({ model_name: model, engine: "0" });
      this.#gapCells.set(model, cell);
    }
    return cell;
  }

  /** Counts a request at its end. */
  requestFinished(summary: RequestSummary): void {
    if (!UNCOUNTED_ROUTES.has(summary.route)) {
      this.#countHttp(summary);
    }
    if (summary.generation !== undefined) {
      this.#countGeneration(summary.generation, summary.durationMs / 1000);
    }
  }

  #countHttp(summary: RequestSummary): void {
    const cells = this.#httpCellsOf(summary.route, summary.method);
    const seconds = summary.durationMs / 1000;
    const status = Math.floor(summary.status / 100);
    let requests = cells.requests[status];
    if (requests === undefined) {
      const labels = { handler: summary.route, method: summary.method, status: `${status}xx` };
      requests = this.#httpRequests.cell(labels);
      cells.requests[status] = requests;
    }
    requests.value += 1;
    cells.requestSize.observe(summary.requestBytes);
    cells.responseSize.observe(summary.responseBytes);
    cells.fine.observe(seconds);
    cells.coarse.observe(seconds);
  }

  #countGeneration(generation: GenerationSummary, seconds: number): void {
    const cells = this.#modelCellsOf(generation.model);
    for (const reason of generation.finishReasons) {
      let success = cells.success.get(reason);
      if (success === undefined) {
        success = this.#success.cell({ ...cells.labels, finished_reason: reason });
        cells.success.set(reason, success);
      }
      success.value += 1;
    }
    cells.promptTokens.value += generation.promptTokens;
    cells.cachedTokens.value += generation.cachedTokens;
    cells.generationTokens.value += generation.completionTokens;
    cells.queue.observe(generation.queueMs / 1000);
    cells.requestPrompt.observe(generation.promptTokens);
    cells.requestOutput.observe(generation.completionTokens);
    cells.paramN.observe(generation.sequences);
    cells.paramMaxTokens.observe(generation.maxTokens);
    cells.endToEnd.observe(seconds);
    if (generation.firstTokenMs !== undefined) {
      // Series that only requests with output have.
      const { labels } = cells;
      const decodeSeconds = seconds - generation.firstTokenMs / 1000;
      cells.firstToken ??= this.#firstToken.cell(labels);
      cells.inference ??= this.#inference.cell(labels);
      cells.prefill ??= this.#prefill.cell(labels);
      cells.decode ??= this.#decode.cell(labels);
      cells.firstToken.observe(generation.firstTokenMs / 1000);
      cells.inference.observe(seconds - generation.queueMs / 1000);
      cells.prefill.observe((generation.firstTokenMs - generation.queueMs) / 1000);
      cells.decode.observe(decodeSeconds);
      if (generation.completionTokens > 1) {
        cells.perToken ??= this.#perToken.cell(labels);
        cells.perToken.observe(decodeSeconds / (generation.completionTokens - 1));
      }
    }
  }

  #httpCellsOf(handler: string, method: string): HttpCells {
    let ofHandler = this.#httpCells.get(handler);
    if (ofHandler === undefined) {
      ofHandler = new Map();
      this.#httpCells.set(handler, ofHandler);
    }
    let cells = ofHandler.get(method);
    if (cells === undefined) {
      cells = {
        requests: [],
        requestSize: this.#httpRequestSize.cell({ handler }),
        responseSize: this.#httpResponseSize.cell({ handler }),
        fine: this.#httpFine.cell({}),
        coarse: this.#httpCoarse.cell({ handler, method }),
      };
      ofHandler.set(method, cells);
    }
    return cells;
  }

  #modelCellsOf(model: string): ModelCells {
    let cells = this.#modelCells.get(model);
    if (cells === undefined) {
      const labels = { model_name: model, engine: "0" };
      cells = {
        labels,
        success: new Map(),
        promptTokens: this.#promptTokens.cell(labels),
        cachedTokens: this.#cachedTokens.cell(labels),
        generationTokens: this.#generationTokens.cell(labels),
        queue: this.#queue.cell(labels),
        requestPrompt: this.#requestPrompt.cell(labels),
        requestOutput: this.#requestOutput.cell(labels),
        paramN: this.#paramN.cell(labels),
        paramMaxTokens: this.#paramMaxTokens.cell(labels),
        endToEnd: this.#endToEnd.cell(labels),
      };
      this.#modelCells.set(model, cells);
    }
    return cells;
  }

  #counter(name: string, help: string): CellFamily {
    const family = new CellFamily(name, { help, type: "counter" });
    this.#families.push(family);
    return family;
  }

  #histogram(name: string, help: string, buckets: readonly number[]): HistogramFamily {
    const family = new HistogramFamily(name, { help, buckets });
    this.#families.push(family);
    return family;
  }
}

/** Series of one route and verb. */
interface HttpCells {
  /** By the hundreds of the status. */
  readonly requests: Cell[];
  readonly requestSize: HistogramCell;
  readonly responseSize: HistogramCell;
  readonly fine: HistogramCell;
  readonly coarse: HistogramCell;
}

/** Series of one model. */
interface ModelCells {
  readonly labels: Readonly<Record<string, string>>;
  /** By the reason of the end. */
  readonly success: Map<string, Cell>;
  readonly promptTokens: Cell;
  readonly cachedTokens: Cell;
  readonly generationTokens: Cell;
  readonly queue: HistogramCell;
  readonly requestPrompt: HistogramCell;
  readonly requestOutput: HistogramCell;
  readonly paramN: HistogramCell;
  readonly paramMaxTokens: HistogramCell;
  readonly endToEnd: HistogramCell;
  firstToken?: HistogramCell;
  inference?: HistogramCell;
  prefill?: HistogramCell;
  decode?: HistogramCell;
  perToken?: HistogramCell;
}
