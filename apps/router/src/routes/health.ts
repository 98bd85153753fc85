import { loadBody, versionBody } from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import type { RouteServices } from "./services.ts";

/** `GET /health` and `/ping`: 200 with an empty body as vLLM, 503 with the reason while no engine is ready. */
export function serveHealth(scope: RequestScope, services: RouteServices): void {
  if (services.fleet.readyCount() > 0) {
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
  const healthy = services.fleet.readyCount();
  const total = services.fleet.reports().length;
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
