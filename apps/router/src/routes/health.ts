import { loadBody, versionBody } from "@vllm-router/api";
import type { WorkerReport } from "../fleet/worker-report.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { RouteServices } from "./services.ts";

/** `GET /health` and `/ping`: 200 with an empty body as vLLM, 503 with the reason while no engine is ready. */
export function serveHealth(scope: RequestScope, services: RouteServices): void {
  if (services.fleet.isReady()) {
    scope.exchange.send(200, "", {});
  } else {
    scope.exchange.send(503, `No engine is ready. ${services.fleet.readinessProblem()}\n`, {
      "content-type": "text/plain; charset=utf-8",
      "retry-after": "1",
    });
  }
}

/** `GET /liveness`: the process answers. */
export function serveLiveness(scope: RequestScope): void {
  scope.exchange.send(200, "OK", { "content-type": "text/plain; charset=utf-8" });
}

/** `GET /readiness` in the Rust router's shape. */
export function serveReadiness(scope: RequestScope, services: RouteServices): void {
  const reports = services.fleet.reports();
  const total = reports.length;
  const healthy = services.fleet.readyCount();
  const legs = countLegs(reports);
  if (legs !== undefined) {
    const isReady = services.fleet.isReady();
    const missing = legs.prefill.healthy === 0 ? "prefill" : "decode";
    scope.exchange.sendJson(
      isReady ? 200 : 503,
      JSON.stringify({
        status: isReady ? "ready" : "not_ready",
        ...legs,
        ...(isReady
          ? {}
          : { reason: `no healthy ${missing} workers`, detail: services.fleet.readinessProblem() }),
      }),
    );
    return;
  }
  if (healthy > 0) {
    scope.exchange.sendJson(
      200,
      JSON.stringify({ status: "ready", healthy_workers: healthy, total_workers: total }),
    );
  } else {
    scope.exchange.sendJson(
      503,
      JSON.stringify({
        status: "not_ready",
        reason: "no healthy workers available",
        total_workers: total,
        detail: services.fleet.readinessProblem(),
      }),
    );
  }
}

/** Workers by leg; undefined where generations are not divided. */
function countLegs(
  reports: readonly WorkerReport[],
): Readonly<Record<"prefill" | "decode", { readonly healthy: number; readonly total: number }>> | undefined {
  if (reports.every(({ role }) => role === "any")) {
    return undefined;
  }
  const count = (leg: "prefill" | "decode"): { healthy: number; total: number } => {
    const workers = reports.filter(({ role }) => role === leg);
    return { healthy: workers.filter(({ state }) => state === "ready").length, total: workers.length };
  };
  return { prefill: count("prefill"), decode: count("decode") };
}

/** `GET /version`: the engine's, since clients ask for vLLM's; empty while none is known. */
export function serveVersion(scope: RequestScope, services: RouteServices): void {
  scope.exchange.sendJson(200, versionBody(services.models.runtimes[0]?.engineVersion ?? ""));
}

/** `GET /load`: moves only with `--enable-server-load-tracking`, as vLLM's. */
export function serveLoad(scope: RequestScope, services: RouteServices): void {
  scope.exchange.sendJson(200, loadBody(services.tracksServerLoad ? services.serverLoad() : 0));
}

/** `GET /metrics`. */
export async function serveMetrics(scope: RequestScope, services: RouteServices): Promise<void> {
  scope.exchange.send(200, await services.metricsText(), { "content-type": services.metricsContentType });
}
