import { detokenizeBody, parseDetokenizeRequest, parseTokenizeRequest, tokenizeBody } from "@vllm-router/api";
import { checkEncodable } from "../pipeline/encodable-text.ts";
import { checkDecodable } from "../pipeline/wide-ids.ts";
import { renderConversation } from "../pipeline/render-conversation.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** `POST /tokenize`, both forms. */
export async function serveTokenize(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const request = parseTokenizeRequest(received.json());
  const model = modelOfRequest(request.model, services);
  const text =
    request.kind === "completion"
      ? request.prompt
      : renderConversation(
          {
            messages: request.messages,
            lateError: request.lateError,
            tools: request.tools,
            documents: null,
            chatTemplate: request.chatTemplate,
            chatTemplateKwargs: request.chatTemplateKwargs,
            addGenerationPrompt: request.addGenerationPrompt,
            continueFinalMessage: request.continueFinalMessage,
            reasoningEffort: null,
            mediaIoKwargs: request.mediaIoKwargs,
            mmProcessorKwargs: request.mmProcessorKwargs,
          },
          { model, settings: services.prepare },
        );
  const { tokenizer } = model;
  checkEncodable(text);
  const tokenIds = tokenizer.encode(text, request.addSpecialTokens);
  const tokenStrings =
    request.returnTokenStrs === true
      ? Array.from(tokenIds, (id) => tokenizer.tokenPiece(id) ?? "")
      : undefined;
  scope.exchange.sendJson(
    200,
    tokenizeBody({ tokenIds, maxModelLength: model.maxModelLength, tokenStrings }),
  );
}

/** `POST /detokenize`. */
export async function serveDetokenize(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const request = parseDetokenizeRequest(received.json());
  const model = modelOfRequest(request.model, services);
  checkDecodable(request.tokens);
  const tokenIds = request.tokens.map(Number);
  scope.exchange.sendJson(
    200,
    detokenizeBody(model.tokenizer.decode(tokenIds, { skipSpecialTokens: false })),
  );
}
