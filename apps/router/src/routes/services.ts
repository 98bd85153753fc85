import type { DecisionJournal } from "../decisions/decision-journal.ts";
import type { FleetPlacer } from "../fleet/fleet-placer.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { BodyMemory, WriterSettings } from "@vllm-router/api";
import type { RoutingKeyRules } from "@vllm-router/routing-core";
import type { FleetView } from "../fleet/fleet-view.ts";
import type { Timers } from "../fleet/timers.ts";
import type { ModelCatalog } from "../models/model-catalog.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { EmbeddingServer } from "../pipeline/embedding-server.ts";
import type { GenerationServer } from "../pipeline/generation-server.ts";
import type { PrepareSettings } from "../pipeline/prepare-settings.ts";
import type { KeptResponses } from "../responses/kept-responses.ts";
import type { LongTexts } from "../tokenizing/long-texts.ts";
import type { Documentation } from "./documentation-mode.ts";
import type { DebugServices } from "./debug-decisions.ts";

/** What passing a request on needs. */
export interface ProxyRouteServices {
  readonly placer: FleetPlacer;
  readonly server: GenerationServer;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  readonly policyName: string;
  readonly retryDelayMs: (retry: number) => number | undefined;
  /** Where the operator wants the affinity key to be looked for; undefined for the Rust router's way. */
  readonly affinity: RoutingKeyRules | undefined;
  readonly journal: DecisionJournal;
  /** What is known of a served model, so that its prompts are matched by their tokens; undefined where nothing is. */
  readonly modelOf: (name: string) => ModelRuntime | undefined;
  /** Whether a served name is a LoRA adapter of another model. */
  readonly isAdapter: (name: string) => boolean;
  readonly prepare: PrepareSettings;
}

/** What the routes work with; made once by `createRouter`. */
export interface RouteServices {
  readonly models: ModelCatalog;
  readonly fleet: FleetView;
  readonly server: GenerationServer;
  readonly embeddings: EmbeddingServer;
  readonly proxy: ProxyRouteServices;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  /** How the interface is documented. */
  readonly documentation: Documentation;
  /** `--enable-tokenizer-info-endpoint`. */
  readonly showsTokenizer: boolean;
  /** `--enable-scale-out`. */
  readonly scaleOut: boolean;
  /** `VLLM_SERVER_DEV_MODE`. */
  readonly devMode: boolean;
  /** `VLLM_ALLOW_RUNTIME_LORA_UPDATING`. */
  readonly changesAdapters: boolean;
  /** `--tokens-only`. */
  readonly tokensOnly: boolean;
  /** Kept responses; undefined unless the server keeps any. */
  readonly responses: KeptResponses | undefined;
  readonly writerSettings: WriterSettings;
  readonly prepare: PrepareSettings;
  /** Who encodes long prompts. */
  readonly longTexts: LongTexts;
  /** Explained decisions. */
  readonly debug: DebugServices;
  /** Where the operator wants the affinity key to be looked for; undefined for the Rust router's way. */
  readonly affinity: RoutingKeyRules | undefined;
  /** Largest request body, bytes. */
  readonly maxPayloadBytes: number;
  /** Where long bodies are known again. */
  readonly bodies: BodyMemory;
  /** `--enable-server-load-tracking`. */
  readonly tracksServerLoad: boolean;
  /** Requests running, of all threads. */
  serverLoad(): number;
  /** Headers that may carry the request id beside `X-Request-Id`, lower case, first wins. */
  readonly requestIdHeaders: readonly string[];
  /** Prints every metric. */
  metricsText(): Promise<string>;
  /** Content type of {@link metricsText}. */
  readonly metricsContentType: string;
}
