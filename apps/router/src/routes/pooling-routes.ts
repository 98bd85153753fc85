import { notImplementedError } from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route } from "../server/route-table.ts";
import { chooseLane } from "./choose-lane.ts";
import { COHERE_EMBED, EMBEDDINGS, POOLING, RERANK, SCORE } from "./pooling-apis.ts";
import { servePooling } from "./pooling-route.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** The paths of models that pool. */
export function poolingRoutes(services: RouteServices): readonly Route[] {
  return [
    { path: "/v1/embeddings", methods: { POST: (scope) => servePooling(scope, EMBEDDINGS, services) } },
    { path: "/v2/embed", methods: { POST: (scope) => servePooling(scope, COHERE_EMBED, services) } },
    { path: "/pooling", methods: { POST: (scope) => servePooling(scope, POOLING, services) } },
    ...["/score", "/v1/score"].map((path): Route => ({
      path,
      methods: { POST: (scope) => servePooling(scope, SCORE, services) },
    })),
    ...["/rerank", "/v1/rerank", "/v2/rerank"].map((path): Route => ({
      path,
      methods: { POST: (scope) => servePooling(scope, RERANK, services) },
    })),
    { path: "/classify", methods: { POST: (scope) => serveClassify(scope, services) } },
  ];
}

/** `POST /classify`: HTTP workers can, the protocol of gRPC engines embeds and nothing else. */
async function serveClassify(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  throw notImplementedError("The engine's protocol cannot carry the task `classify`.", "task");
}
