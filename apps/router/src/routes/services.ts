import type { WriterSettings } from "@vllm-router/api";
import type { RoutingKeyRules } from "@vllm-router/routing-core";
import type { Fleet } from "../fleet/fleet.ts";
import type { Timers } from "../fleet/timers.ts";
import type { ModelCatalog } from "../models/model-catalog.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { EmbeddingServer } from "../pipeline/embedding-server.ts";
import type { GenerationServer } from "../pipeline/generation-server.ts";
import type { PrepareSettings } from "../pipeline/prepare-settings.ts";
import type { ResponseStore } from "../responses/response-store.ts";
import type { DebugServices } from "./debug-decisions.ts";
import type { ProxyRouteServices } from "./proxy-route.ts";

/** What the routes work with; made once by `createRouter`. */
export interface RouteServices {
  readonly models: ModelCatalog;
  readonly fleet: Fleet;
  readonly server: GenerationServer;
  readonly embeddings: EmbeddingServer;
  readonly proxy: ProxyRouteServices;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  /** `--enable-scale-out`. */
  readonly scaleOut: boolean;
  /** Kept responses; undefined unless the server keeps any. */
  readonly responses: ResponseStore | undefined;
  readonly writerSettings: WriterSettings;
  readonly prepare: PrepareSettings;
  /** Explained decisions. */
  readonly debug: DebugServices;
  /** Where the operator wants the affinity key to be looked for; undefined for the Rust router's way. */
  readonly affinity: RoutingKeyRules | undefined;
  /** Largest request body, bytes. */
  readonly maxPayloadBytes: number;
  /** `--enable-server-load-tracking`. */
  readonly tracksServerLoad: boolean;
  /** Headers that may carry the request id beside `X-Request-Id`, lower case, first wins. */
  readonly requestIdHeaders: readonly string[];
  /** Prints every metric. */
  metricsText(): Promise<string>;
  /** Content type of {@link metricsText}. */
  readonly metricsContentType: string;
}
