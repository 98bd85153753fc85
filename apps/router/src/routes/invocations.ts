import {
  ApiError,
  badRequestError,
  type JsonValue,
  parseRawJsonBody,
  serviceUnavailableError,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { offersTask } from "../models/offered-task.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { type GeneratingApi, type GeneratingRequest, serveReceivedGeneration } from "./generate-route.ts";
import { CHAT, COMPLETIONS } from "./generating-apis.ts";
import { EMBEDDINGS, POOLING, RERANK, SCORE } from "./pooling-apis.ts";
import { type AnyPoolingRequest, type PoolingApi, serveReceivedPooling } from "./pooling-route.ts";
import { serveProxied } from "./proxy-route.ts";
import type { ReceivedJson } from "../server/received-json.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** One API that `/invocations` may mean. */
interface Invocation {
  /** Name of the request's type, as vLLM's refusal gives it. */
  readonly typeName: string;
  isOffered(model: ModelRuntime): boolean;
  parse(body: JsonValue): unknown;
  serve(
    scope: RequestScope,
    context: { readonly services: RouteServices; readonly received: ReceivedJson },
  ): Promise<void>;
}

const POOLING_MODULE = "vllm.entrypoints.pooling";
const REFUSING_OLD_PARAMETERS =
  "BeforeValidator(func=<function reject_removed_pooling_parameters>, json_schema_input_type=PydanticUndefined)";

/** In the order in which vLLM tries them. */
const INVOCATIONS: readonly Invocation[] = [
  generating("ChatCompletionRequest", CHAT),
  generating("CompletionRequest", COMPLETIONS),
  pooling(
    annotated("embed", [
      "EmbeddingCompletionRequest",
      "EmbeddingChatRequest",
      "EmbeddingBatchChatRequest",
      "EmbeddingChatInputRequest",
      "EmbeddingBatchChatInputRequest",
    ]),
    EMBEDDINGS,
  ),
  pooling("RerankRequest", RERANK),
  pooling(
    unionOf("scoring", [
      "ScoreQueriesDocumentsRequest",
      "ScoreQueriesItemsRequest",
      "ScoreDataRequest",
      "ScoreTextRequest",
    ]),
    SCORE,
  ),
  pooling(
    annotated("pooling", ["PoolingCompletionRequest", "PoolingChatRequest", "IOProcessorRequest"]),
    POOLING,
  ),
];

/** `POST /invocations`, SageMaker's one path for everything: the first API whose request the body is, serves it. */
export async function serveInvocations(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const { models, fleet } = services;
  const { model: name } = received.asProxied();
  const named = name === "" ? undefined : models.resolve(name);
  const raw = parseRawJsonBody(scope.exchange.header("content-type"), received.bytes);
  const body = named === undefined ? withoutModel(raw) : raw;
  const candidates = named === undefined ? models.runtimes : [named];
  if (candidates.length === 0) {
    throw serviceUnavailableError(`No engine is ready yet. ${fleet.readinessProblem()}`.trim());
  }
  const offered = INVOCATIONS.filter((invocation) => candidates.some((model) => invocation.isOffered(model)));
  const meant = offered.find((invocation) => fits(body, invocation));
  if (meant === undefined) {
    const names = offered.map(({ typeName }) => `'${typeName}'`).join(", ");
    throw badRequestError(`Cannot find suitable handler for request. Expected one of: [${names}]`);
  }
  await meant.serve(scope, { services, received: { ...received, json: () => body } });
}

/** On this path vLLM does not look at the body's model: it serves one. Here a name counts where it is a served one. */
function withoutModel(body: JsonValue): JsonValue {
  if (!(body instanceof Map) || !body.has("model")) {
    return body;
  }
  const rest = new Map(body);
  rest.delete("model");
  return rest;
}

/** Whether the body's fields have the types of this request. What vLLM refuses for another reason it refuses at once. */
function fits(body: JsonValue, invocation: Invocation): boolean {
  try {
    invocation.parse(body);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.type === "Bad Request") {
      return false;
    }
    throw error;
  }
}

function generating<TRequest extends GeneratingRequest>(
  typeName: string,
  api: GeneratingApi<TRequest>,
): Invocation {
  return {
    typeName,
    isOffered: (model) => offersTask(model, "generate"),
    parse: (body) => api.parse(body),
    serve: (scope, context) => serveReceivedGeneration(scope, api, context),
  };
}

function pooling<TRequest extends AnyPoolingRequest>(
  typeName: string,
  api: PoolingApi<TRequest>,
): Invocation {
  return {
    typeName,
    isOffered: (model) => offersTask(model, api.task),
    parse: (body) => api.parse(body),
    serve: (scope, context) => serveReceivedPooling(scope, api, context),
  };
}

function unionOf(module: string, names: readonly string[]): string {
  return names.map((name) => `${POOLING_MODULE}.${module}.protocol.${name}`).join(" | ");
}

function annotated(module: string, names: readonly string[]): string {
  return `typing.Annotated[${unionOf(module, names)}, ${REFUSING_OLD_PARAMETERS}]`;
}
