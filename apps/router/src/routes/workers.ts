import type { WorkerReport } from "../fleet/worker-report.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { RouteServices } from "./services.ts";

/** `GET /list_workers`, in the Rust router's shape. */
export function serveWorkerUrls(scope: RequestScope, services: RouteServices): void {
  scope.exchange.sendJson(200, JSON.stringify({ urls: services.fleet.reports().map((report) => report.id) }));
}

/** `GET /workers`, in the Rust router's shape, with the state and its reason beside. */
export function serveWorkers(scope: RequestScope, services: RouteServices): void {
  const reports = services.fleet.reports();
  const workers = reports.map(workerCard);
  scope.exchange.sendJson(
    200,
    JSON.stringify({
      workers,
      total: workers.length,
      stats: {
        prefill_count: reports.filter(({ role }) => role === "prefill").length,
        decode_count: reports.filter(({ role }) => role === "decode").length,
        regular_count: reports.filter(({ role }) => role === "any").length,
      },
    }),
  );
}

/** `GET /get_loads`: requests in flight per worker, exact. */
export function serveLoads(scope: RequestScope, services: RouteServices): void {
  const workers = services.fleet.reports().map((report) => ({ worker: report.id, load: report.inFlight }));
  scope.exchange.sendJson(200, JSON.stringify({ workers }));
}

function workerCard(report: WorkerReport): Readonly<Record<string, unknown>> {
  return {
    url: report.id,
    model_id: report.modelNames[0] ?? "unknown",
    worker_type: report.role === "any" ? "regular" : report.role,
    is_healthy: report.state === "ready",
    load: report.inFlight,
    connection_mode: report.lane === "token" ? "Grpc" : "Http",
    state: report.state,
    detail: report.detail,
  };
}
