import { randomId } from "../pipeline/random-id.ts";
import { failureCode } from "../pipeline/request-failure.ts";
import { UpgradeRun } from "../pipeline/upgrade-run.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { affinityKeyOf } from "./affinity-key.ts";
import { proxyNameOf } from "./choose-lane.ts";
import type { RouteServices } from "./services.ts";

/**
 * Passes a WebSocket on to an HTTP worker: of the model that the query names, else to any. What is then spoken goes
 * through byte for byte. Without such a worker the answer is that of vLLM's server to a path it does not know.
 */
export async function serveUpgrade(scope: RequestScope, services: RouteServices): Promise<void> {
  const { exchange } = scope;
  const { fleet, proxy } = services;
  const { incoming } = exchange;
  const asked = new URLSearchParams((incoming.url ?? "").split("?")[1] ?? "").get("model") ?? "";
  const model = proxyNameOf(fleet, [asked]);
  if (fleet.snapshot("proxy").workers.length === 0) {
    exchange.send(403, "", {});
    return;
  }
  const arrivedAtMs = proxy.timers.steadyMs();
  const ticket = await proxy.server.admitted(scope);
  if (ticket === undefined) {
    return;
  }
  const queueMs = proxy.timers.steadyMs() - arrivedAtMs;
  scope.id = exchange.header("x-request-id") ?? randomId();
  const generation = {
    requestId: scope.id,
    model: model ?? "",
    text: "",
    promptTokens: 0,
    maxTokens: 0,
    routingKey: affinityKeyOf(exchange, proxy.affinity, { keys: {}, body: undefined }),
    requiredFields: [],
  };
  const run: UpgradeRun = new UpgradeRun(exchange, {
    place: (excludedWorkers) => proxy.placer.placeProxy({ ...generation, excludedWorkers }),
    retryDelayMs: proxy.retryDelayMs,
    after: (delayMs, action) => proxy.timers.after(delayMs, action),
    ended: (failure) => {
      untrack();
      ticket.release();
      if (failure !== undefined) {
        scope.errorCode = failureCode(failure);
      }
      scope.generation = {
        model: generation.model,
        workers: run.workersUsed,
        policy: proxy.policyName,
        reason: run.placementReason,
        attempts: run.attempts,
        queueMs,
        firstTokenMs: undefined,
        promptTokens: 0,
        completionTokens: 0,
        cachedTokens: 0,
        sequences: 1,
        maxTokens: 0,
        finishReasons: [],
      };
    },
  });
  const untrack = proxy.server.track(run);
  run.start();
}
