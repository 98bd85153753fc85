import { type DecisionRequest, parseDecisionRequest, serviceUnavailableError } from "@vllm-router/api";
import { fieldsOfLabelReads } from "../pipeline/label-reads.ts";
import { prepareDecision, requireDecisionLabels } from "../pipeline/prepare-decision.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { type GeneratingApi, type GeneratingRequest, serveReceivedGeneration } from "./generate-route.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

const DECISIONS: GeneratingApi<Omit<DecisionRequest, "requestId"> & GeneratingRequest> = {
  idPrefix: "decision-",
  parse(body) {
    const request = parseDecisionRequest(body);
    return { ...request, user: null, sessionId: null };
  },
  requiredFields: fieldsOfLabelReads,
  prepare: prepareDecision,
};

/** `POST /v1/systemone`: there for every model, and refused by vLLM for those it cannot decide with. */
export async function serveDecisions(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  const { fleet, models } = services;
  if (chooseLane(fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const { model: name } = DECISIONS.parse(received.json());
  const model = models.resolve(name) ?? models.runtimes[0];
  if (model === undefined) {
    throw serviceUnavailableError(`No engine is ready yet. ${fleet.readinessProblem()}`.trim());
  }
  requireDecisionLabels(model, services.prepare);
  await serveReceivedGeneration(scope, DECISIONS, { services, received });
}
