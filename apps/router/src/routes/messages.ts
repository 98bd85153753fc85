import {
  anthropicErrorBody,
  countTokensBody,
  messagesToChat,
  parseCountTokensRequest,
} from "@vllm-router/api";
import { messagesConversion } from "../pipeline/messages-conversion.ts";
import { renderPrompt } from "../pipeline/render-prompt.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** `POST /v1/messages/count_tokens`: tokens of the prompt the messages become. */
export async function serveCountTokens(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const request = parseCountTokensRequest(received.json());
  scope.exchange.errorBody = anthropicErrorBody;
  const model = modelOfRequest(request.model, services);
  const context = { model, settings: services.prepare };
  const nowSeconds = Math.floor(services.timers.now() / 1000);
  const chat = messagesToChat(request, messagesConversion(context, nowSeconds));
  const { tokenIds } = renderPrompt(chat, context);
  scope.exchange.sendJson(200, countTokensBody(tokenIds.length));
}
