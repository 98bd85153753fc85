import type { Route } from "../server/route-table.ts";
import { debugRoutes } from "./debug-decisions.ts";
import { devRoutes } from "./dev-routes.ts";
import { serveDecisions } from "./decisions.ts";
import { serveGenerating } from "./generate-route.ts";
import { BATCH_CHAT, CHAT, COMPLETIONS, GENERATIVE_SCORING, MESSAGES } from "./generating-apis.ts";
import {
  serveHealth,
  serveLiveness,
  serveLoad,
  serveMetrics,
  serveReadiness,
  serveVersion,
} from "./health.ts";
import { documentationRoutes } from "./documentation.ts";
import { serveIsScaling, serveScale } from "./elastic.ts";
import { serveInvocations } from "./invocations.ts";
import { loraAdapterRoutes } from "./lora-adapters.ts";
import { serveCountTokens } from "./messages.ts";
import { serveModels } from "./models.ts";
import { whereOffered } from "./offered-routes.ts";
import { poolingRoutes } from "./pooling-routes.ts";
import { responsesApi } from "./responses.ts";
import { scaleOutRoutes } from "./scale-out-routes.ts";
import type { RouteServices } from "./services.ts";
import { serveCancelResponse, serveRetrieveResponse } from "./stored-responses.ts";
import { tokenizerInfoRoutes } from "./tokenizer-info.ts";
import { serveDetokenize, serveTokenize } from "./tokenize.ts";
import { unknownPath, unlessHttpOnly } from "./unknown-path.ts";
import { serveLoads, serveWorkers, serveWorkerUrls } from "./workers.ts";

/** The HTTP interface: every path, readable top to bottom. */
export function createRoutes(services: RouteServices): readonly Route[] {
  const vllm = [
    ...knownRoutes(services),
    ...tokenizerInfoRoutes(services),
    ...poolingRoutes(services),
    ...scaleOutRoutes(services),
    ...loraAdapterRoutes(services),
    ...devRoutes(services),
  ];
  const known = [...vllm, ...documentationRoutes(vllm, services)].map((route) =>
    whereOffered(route, services),
  );
  return [...known, unknownPath(known, services)];
}

function knownRoutes(services: RouteServices): readonly Route[] {
  const responses = responsesApi(services.responses);
  return [
    { path: "/v1/chat/completions", methods: { POST: (scope) => serveGenerating(scope, CHAT, services) } },
    {
      path: "/v1/chat/completions/batch",
      methods: { POST: (scope) => serveGenerating(scope, BATCH_CHAT, services) },
    },
    { path: "/v1/completions", methods: { POST: (scope) => serveGenerating(scope, COMPLETIONS, services) } },
    {
      path: "/generative_scoring",
      methods: { POST: (scope) => serveGenerating(scope, GENERATIVE_SCORING, services) },
    },
    { path: "/v1/messages", methods: { POST: (scope) => serveGenerating(scope, MESSAGES, services) } },
    { path: "/v1/messages/count_tokens", methods: { POST: (scope) => serveCountTokens(scope, services) } },
    { path: "/v1/systemone", methods: { POST: (scope) => serveDecisions(scope, services) } },
    { path: "/invocations", methods: { POST: (scope) => serveInvocations(scope, services) } },
    { path: "/v1/responses", methods: { POST: (scope) => serveGenerating(scope, responses, services) } },
    {
      path: "/v1/responses/:response_id",
      methods: { GET: unlessHttpOnly((scope) => serveRetrieveResponse(scope, services), services) },
    },
    {
      path: "/v1/responses/:response_id/cancel",
      methods: { POST: unlessHttpOnly((scope) => serveCancelResponse(scope, services), services) },
    },
    { path: "/is_scaling_elastic_ep", methods: { POST: unlessHttpOnly(serveIsScaling, services) } },
    {
      path: "/scale_elastic_ep",
      methods: { POST: unlessHttpOnly((scope) => serveScale(scope, services), services) },
    },
    { path: "/v1/models", methods: { GET: (scope) => serveModels(scope, services) } },
    { path: "/tokenize", methods: { POST: (scope) => serveTokenize(scope, services) } },
    { path: "/detokenize", methods: { POST: (scope) => serveDetokenize(scope, services) } },
    { path: "/health", methods: { GET: (scope) => serveHealth(scope, services) } },
    {
      path: "/ping",
      methods: {
        GET: (scope) => serveHealth(scope, services),
        POST: (scope) => serveHealth(scope, services),
      },
      allow: "GET",
    },
    { path: "/liveness", methods: { GET: (scope) => serveLiveness(scope) } },
    { path: "/readiness", methods: { GET: (scope) => serveReadiness(scope, services) } },
    { path: "/version", methods: { GET: (scope) => serveVersion(scope, services) } },
    { path: "/load", methods: { GET: (scope) => serveLoad(scope, services) } },
    { path: "/metrics", methods: { GET: (scope) => serveMetrics(scope, services) } },
    { path: "/workers", methods: { GET: (scope) => serveWorkers(scope, services) } },
    { path: "/list_workers", methods: { GET: (scope) => serveWorkerUrls(scope, services) } },
    { path: "/get_loads", methods: { GET: (scope) => serveLoads(scope, services) } },
    ...debugRoutes(services.debug),
  ];
}
