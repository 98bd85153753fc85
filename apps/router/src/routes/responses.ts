import {
  ApiError,
  parseResponsesRequest,
  serviceUnavailableError,
  type ResponsesRequest,
} from "@vllm-router/api";
import { prepareResponses, responsesRequiredFields } from "../pipeline/prepare-responses.ts";
import type { RequestPlan } from "../pipeline/plan.ts";
import { randomId } from "../pipeline/random-id.ts";
import type { RequestEnvelope } from "../pipeline/request-envelope.ts";
import { followEvents } from "../responses/follow-events.ts";
import type { KeptResponses } from "../responses/kept-responses.ts";
import { StoredResponse } from "../responses/stored-response.ts";
import { answerThrown } from "../server/answer-thrown.ts";
import { DetachedExchange } from "../server/detached-exchange.ts";
import { RequestScope } from "../server/request-scope.ts";
import type { GeneratingApi, RunningRequest } from "./generate-route.ts";

/** A request with its answer's id, and with the response that is kept of it. */
interface IdentifiedResponses extends ResponsesRequest {
  readonly responseId: string;
  /** Filled in when the request is prepared; stays undefined where nothing is kept. */
  readonly kept: {
    response: StoredResponse | undefined;
    /** The one it goes on from, once that has been looked for. */
    previous: StoredResponse | undefined;
  };
}

/** `POST /v1/responses`. */
export function responsesApi(store: KeptResponses | undefined): GeneratingApi<IdentifiedResponses> {
  return {
    idPrefix: "",
    parse(body) {
      const request = parseResponsesRequest(body);
      const responseId = request.requestId ?? `resp_${randomId()}`;
      return { ...request, responseId, kept: { response: undefined, previous: undefined } };
    },
    responseId: (request) => request.responseId,
    requiredFields: responsesRequiredFields,
    ready({ previousResponseId: id, kept }) {
      const found = id === null ? undefined : store?.get(id);
      if (found instanceof Promise) {
        return found.then((response) => {
          kept.previous = response;
        });
      }
      kept.previous = found;
      return undefined;
    },
    prepare: (request, envelope) => prepareKept(request, envelope, store),
    serve: (request, running) =>
      request.background === true && store !== undefined
        ? serveInBackground(request, running, store)
        : undefined,
  };
}

function prepareKept(
  request: IdentifiedResponses,
  envelope: RequestEnvelope,
  store: KeptResponses | undefined,
): RequestPlan {
  checkLogprobs(request, envelope);
  checkRequest(request, store);
  const history = historyOf(request);
  if (store === undefined || request.store !== true) {
    return prepareResponses(request, envelope, { history });
  }
  const { kept } = request;
  return prepareResponses(request, envelope, {
    history,
    prepared: (start) => {
      kept.response = new StoredResponse({ ...start, id: request.responseId });
    },
    finished: (response) => {
      kept.response?.finish(response);
      if (request.background !== true && kept.response !== undefined) {
        kept.response.end();
        void store.put(kept.response);
      }
      store.trim();
    },
  });
}

function checkLogprobs(request: ResponsesRequest, { model }: RequestEnvelope): void {
  if (model.parsers.harmony && (request.include ?? []).includes("message.output_text.logprobs")) {
    throw invalidRequest("logprobs are not supported with gpt-oss models", "logprobs");
  }
}

function checkRequest(request: ResponsesRequest, store: KeptResponses | undefined): void {
  if (request.background === true && store === undefined) {
    throw invalidRequest(
      "This vLLM engine does not support `store=True` and therefore does not support the background mode. To enable " +
        "these features, set the environment variable `VLLM_ENABLE_RESPONSES_API_STORE=1` when launching the vLLM server.",
      "background",
    );
  }
  if ((request.previousInputMessages ?? []).length > 0 && (request.previousResponseId ?? "") !== "") {
    throw invalidRequest(
      "Only one of `previous_input_messages` and `previous_response_id` can be set.",
      "previous_response_id",
    );
  }
}

function historyOf({
  previousResponseId: id,
  kept,
}: IdentifiedResponses): StoredResponse["history"] | undefined {
  if (id === null) {
    return undefined;
  }
  if (kept.previous === undefined) {
    throw notFound(id);
  }
  return kept.previous.history;
}

/** vLLM's 404 of a response that is not kept. */
export function notFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    type: "invalid_request_error",
    message: `Response with id '${id}' not found.`,
    param: "response_id",
  });
}

/** vLLM's 400 of the Responses API. */
export function invalidRequest(message: string, param: string): ApiError {
  return new ApiError({ status: 400, type: "invalid_request_error", message, param });
}

/** Answers at once with the queued response, or with the events of its stream, while it goes on without its client. */
async function serveInBackground(
  request: IdentifiedResponses,
  running: RunningRequest,
  store: KeptResponses,
): Promise<void> {
  const { scope, services } = running;
  const plan = running.prepare();
  const response = request.kept.response;
  if (response === undefined || !(await store.put(response))) {
    throw serviceUnavailableError("Too many responses are running in the background.");
  }
  const exchange = new DetachedExchange(scope.exchange.incoming, {
    text: (text) => response.addEvents(text),
    ended: () => {
      response.end();
      store.trim();
    },
  });
  response.runs(() => exchange.cancel());
  const { observer, timers } = services;
  const detached = new RequestScope(exchange, { route: scope.route, observer, now: () => timers.steadyMs() });
  services.server
    .serve(detached, () => plan)
    .catch((error: unknown) => answerThrown(error, detached, observer));
  scope.id = response.id;
  if (request.stream === true) {
    followEvents(response, { exchange: scope.exchange, from: 0 });
  } else {
    scope.exchange.sendJson(200, response.body);
  }
}
