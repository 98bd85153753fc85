import { ApiError, badRequestError, type JsonValue } from "@vllm-router/api";
import { offersTask, type RouteTask } from "../models/offered-task.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { RouteHandler } from "../server/route-table.ts";
import { chooseLane } from "./choose-lane.ts";
import { serveGenerating } from "./generate-route.ts";
import { CHAT, COMPLETIONS } from "./generating-apis.ts";
import { EMBEDDINGS, POOLING, RERANK, SCORE } from "./pooling-apis.ts";
import { servePooling } from "./pooling-route.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** One kind of body that `/invocations` knows. */
interface Invocation {
  /** Name of the request's class in vLLM, for the refusal. */
  readonly name: string;
  readonly task: RouteTask;
  /** @throws ApiError for a body that is none */
  parse(body: JsonValue): unknown;
  readonly serve: RouteHandler;
}

/** `POST /invocations`, SageMaker's one door: the body is tried as one kind of request after the other. */
export async function serveInvocations(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services.maxPayloadBytes);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const body = received.json();
  const { runtimes } = services.models;
  const offered = invocations(services).filter(
    ({ task }) => runtimes.length === 0 || runtimes.some((model) => offersTask(model, task)),
  );
  const chosen = offered.find((invocation) => isOfKind(invocation, body));
  if (chosen === undefined) {
    const names = offered.map(({ name }) => `'${name}'`).join(", ");
    throw badRequestError(`Cannot find suitable handler for request. Expected one of: [${names}]`);
  }
  await chosen.serve(scope);
}

function invocations(services: RouteServices): readonly Invocation[] {
  return [
    {
      name: "ChatCompletionRequest",
      task: "generate",
      parse: (body) => CHAT.parse(body),
      serve: (scope) => serveGenerating(scope, CHAT, services),
    },
    {
      name: "CompletionRequest",
      task: "generate",
      parse: (body) => COMPLETIONS.parse(body),
      serve: (scope) => serveGenerating(scope, COMPLETIONS, services),
    },
    {
      name: "EmbeddingRequest",
      task: "embed",
      parse: (body) => EMBEDDINGS.parse(body),
      serve: (scope) => servePooling(scope, EMBEDDINGS, services),
    },
    {
      name: "RerankRequest",
      task: "scoring",
      parse: (body) => RERANK.parse(body),
      serve: (scope) => servePooling(scope, RERANK, services),
    },
    {
      name: "ScoreRequest",
      task: "scoring",
      parse: (body) => SCORE.parse(body),
      serve: (scope) => servePooling(scope, SCORE, services),
    },
    {
      name: "PoolingRequest",
      task: "pooling",
      parse: (body) => POOLING.parse(body),
      serve: (scope) => servePooling(scope, POOLING, services),
    },
  ];
}

/** A body whose fields have the wrong types is of another kind; one that breaks a rule is of this kind, and broken. */
function isOfKind(invocation: Invocation, body: JsonValue): boolean {
  try {
    invocation.parse(body);
    return true;
  } catch (error) {
    return !(error instanceof ApiError && error.type === "Bad Request");
  }
}
