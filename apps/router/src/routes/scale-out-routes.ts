import {
  ApiError,
  parseChatRequest,
  parseCompletionRequest,
  parseGenerateRequest,
  parseMessagesRequest,
  parseResponsesRequest,
  type GenerateTokensRequest,
  type MessagesRequest,
} from "@vllm-router/api";
import { generateRequiredFields, prepareGenerate } from "../pipeline/prepare-generate.ts";
import {
  renderChatRequest,
  renderCompletionRequest,
  renderMessagesRequest,
  renderResponsesRequest,
} from "../pipeline/render-prompts.ts";
import { randomId } from "../pipeline/random-id.ts";
import type { Route, RouteHandler } from "../server/route-table.ts";
import { serveGenerating, type GeneratingApi } from "./generate-route.ts";
import { DERENDER_CHAT, DERENDER_COMPLETIONS, serveDerendered } from "./derender-route.ts";
import { renderApi, serveRendered } from "./render-route.ts";
import type { RouteServices } from "./services.ts";
import { serveAbort } from "./abort-requests.ts";
import { unlessHttpOnly } from "./unknown-path.ts";

interface IdentifiedTokens extends GenerateTokensRequest {
  readonly user: null;
  readonly sessionId: null;
}

/** `POST /inference/v1/generate`. */
const GENERATE: GeneratingApi<IdentifiedTokens> = {
  idPrefix: "generate-tokens-",
  parse: (body) => ({ ...parseGenerateRequest(body), user: null, sessionId: null }),
  requiredFields: generateRequiredFields,
  prepare: prepareGenerate,
};

const CHAT = renderApi({ idPrefix: "chatcmpl-", parse: parseChatRequest, render: renderChatRequest });
const COMPLETIONS = renderApi({
  idPrefix: "cmpl-",
  parse: parseCompletionRequest,
  render: renderCompletionRequest,
});
const MESSAGES = renderApi<MessagesRequest & { readonly requestId: null }>({
  idPrefix: "chatcmpl-",
  parse: (body) => ({ ...parseMessagesRequest(body), requestId: null }),
  render: renderMessagesRequest,
});
const RESPONSES = renderApi({
  idPrefix: "",
  parse(body) {
    const request = parseResponsesRequest(body);
    return { ...request, requestId: request.requestId ?? `resp_${randomId()}` };
  },
  render: renderResponsesRequest,
  takesIdFromHeader: false,
});

/** The routes of `--enable-scale-out`: without it vLLM answers them with 403, whatever they are asked. */
export function scaleOutRoutes(services: RouteServices): readonly Route[] {
  const abort = unlessHttpOnly((scope) => serveAbort(scope, services), services);
  const handlers: Readonly<Record<string, RouteHandler>> = {
    "/inference/v1/generate": (scope) => serveGenerating(scope, GENERATE, services),
    "/v1/chat/completions/render": (scope) => serveRendered(scope, CHAT, services),
    "/v1/completions/render": (scope) => serveRendered(scope, COMPLETIONS, services),
    "/v1/messages/render": (scope) => serveRendered(scope, MESSAGES, services),
    "/v1/responses/render": (scope) => serveRendered(scope, RESPONSES, services),
    "/v1/chat/completions/derender": (scope) => serveDerendered(scope, DERENDER_CHAT, services),
    "/v1/completions/derender": (scope) => serveDerendered(scope, DERENDER_COMPLETIONS, services),
    "/inference/v1/abort_requests": abort,
  };
  const withoutKey: readonly Route[] =
    services.tokensOnly && !services.devMode ? [{ path: "/abort_requests", methods: { POST: abort } }] : [];
  const routes = Object.entries(handlers).map(([path, handler]) => ({
    path,
    methods: { POST: services.scaleOut ? handler : unlessHttpOnly(disabled, services) },
  }));
  return [...routes, ...withoutKey];
}

const disabled: RouteHandler = () => {
  throw new ApiError({
    status: 403,
    type: "PermissionDeniedError",
    message: "Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.",
  });
};
