import { parseDerenderChat, parseDerenderCompletion, type JsonValue } from "@vllm-router/api";
import { derenderChat } from "../pipeline/derender-chat.ts";
import { derenderChatChunk } from "../pipeline/derender-chat-chunk.ts";
import { derenderCompletion, derenderCompletionChunk } from "../pipeline/derender-completion.ts";
import type { DerenderEnvelope } from "../pipeline/derender-envelope.ts";
import { randomId } from "../pipeline/random-id.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { receiveModelRequest } from "./receive-model-request.ts";
import type { RouteServices } from "./services.ts";

/** One derender route: a request, and what its answer is. */
interface DerenderApi {
  /** @throws ApiError with vLLM's text */
  read(body: JsonValue): {
    readonly model: string | null;
    /** @throws ApiError with vLLM's text */
    answer(envelope: DerenderEnvelope): string;
  };
}

/** `POST /v1/chat/completions/derender`. */
export const DERENDER_CHAT: DerenderApi = {
  read(body) {
    const request = parseDerenderChat(body);
    return {
      model: request.model,
      answer: (envelope) =>
        "generateChunk" in request ? derenderChatChunk(request, envelope) : derenderChat(request, envelope),
    };
  },
};

/** `POST /v1/completions/derender`. */
export const DERENDER_COMPLETIONS: DerenderApi = {
  read(body) {
    const request = parseDerenderCompletion(body);
    return {
      model: request.model,
      answer: (envelope) =>
        "generateChunk" in request
          ? derenderCompletionChunk(request, envelope)
          : derenderCompletion(request, envelope),
    };
  },
};

/** Serves a derender route: the ids of an answer as text, with its reasoning and calls, and no engine asked. */
export async function serveDerendered(
  scope: RequestScope,
  api: DerenderApi,
  services: RouteServices,
): Promise<void> {
  const received = await receiveModelRequest(scope, (body) => api.read(body), services);
  if (received === undefined) {
    return;
  }
  const { request, model } = received;
  const named = request.model ?? "";
  const answer = request.answer({
    model,
    modelName: named === "" ? (model.servedNames[0] ?? "") : named,
    settings: services.prepare,
    created: Math.floor(services.timers.now() / 1000),
    randomId,
  });
  scope.exchange.sendJson(200, answer);
}
