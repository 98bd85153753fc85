import {
  httpError,
  isJsonArray,
  type JsonObject,
  type JsonValue,
  notImplementedError,
  parseJsonBytes,
  queryBooleanError,
  unsupportedFieldError,
} from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route, RouteHandler } from "../server/route-table.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";
import { unlessHttpOnly } from "./unknown-path.ts";

/** Emptying a cache is quick, but an engine may be busy. */
const CALL_TIMEOUT_MS = 30_000;

const TRUE_TEXTS: ReadonlySet<string> = new Set(["1", "true", "t", "yes", "y", "on"]);
const FALSE_TEXTS: ReadonlySet<string> = new Set(["0", "false", "f", "no", "n", "off"]);

/** Routes of `VLLM_SERVER_DEV_MODE` that concern one engine, or that no engine can be told over gRPC. */
const UNSERVED: Readonly<Record<"GET" | "POST", readonly string[]>> = {
  GET: ["/server_info", "/is_sleeping", "/is_paused", "/weight_info", "/get_world_size"],
  POST: [
    "/reset_mm_cache",
    "/reset_encoder_cache",
    "/collective_rpc",
    "/sleep",
    "/wake_up",
    "/release_kv_cache_memory",
    "/pause",
    "/resume",
    "/init_weight_transfer_engine",
    "/shutdown_weight_transfer_engine",
    "/start_weight_update",
    "/start_draft_weight_update",
    "/update_weights",
    "/finish_weight_update",
    "/update_weight_version",
    "/weight_checker",
  ],
};

/** The routes of `VLLM_SERVER_DEV_MODE`: those that mean something for many engines are served, the others say why not. */
export function devRoutes(services: RouteServices): readonly Route[] {
  const post = (path: string, handler: RouteHandler): Route => ({
    path,
    methods: { POST: unlessHttpOnly(handler, services) },
  });
  return services.devMode
    ? [
        post("/reset_prefix_cache", (scope) => serveResetPrefixCache(scope, services)),
        post("/abort_requests", (scope) => serveAbortAny(scope, services)),
        ...unservedRoutes(services),
      ]
    : [];
}

function unservedRoutes(services: RouteServices): readonly Route[] {
  const refusal = (path: string): RouteHandler =>
    unlessHttpOnly(() => {
      throw notImplementedError(
        `\`${path}\` concerns one engine, and the engines behind this server cannot be told over gRPC.`,
      );
    }, services);
  return [
    ...UNSERVED.GET.map((path): Route => ({ path, methods: { GET: refusal(path) } })),
    ...UNSERVED.POST.map((path): Route => ({ path, methods: { POST: refusal(path) } })),
  ];
}

/** Empties the prefix cache of every engine; a success when every one did. */
async function serveResetPrefixCache(scope: RequestScope, services: RouteServices): Promise<void> {
  const query = new URL(scope.exchange.incoming.url ?? "/", "http://router").searchParams;
  for (const name of ["reset_running_requests", "reset_external"]) {
    if (flagOf(query, name)) {
      throw unsupportedFieldError(name);
    }
  }
  const workers = services.fleet.workers();
  const admins = workers.flatMap(({ connection }) =>
    connection.dialect === "vllm-engine" ? [connection.admin] : [],
  );
  if (admins.length < workers.length || admins.length === 0) {
    throw notImplementedError("Not every engine behind this server can empty its prefix cache when told to.");
  }
  const deadlineAtMs = services.timers.now() + CALL_TIMEOUT_MS;
  const results = await Promise.all(admins.map((admin) => admin.flushCache({ deadlineAtMs })));
  scope.exchange.sendJson(200, `{"success":${results.every(({ success }) => success)}}`);
}

/** Ends the requests that are named, or all. */
async function serveAbortAny(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  const ids = idsOf(received.bytes);
  const ended = services.server.abortRequests(ids);
  scope.exchange.sendJson(200, `{"status":"aborted","aborted":${ids?.length ?? ended}}`);
}

function idsOf(bytes: Uint8Array): readonly string[] | undefined {
  let body: JsonValue;
  try {
    body = parseJsonBytes(bytes);
  } catch {
    throw httpError(400, "Bad Request", "Invalid JSON format");
  }
  if (!(body instanceof Map)) {
    throw httpError(400, "Bad Request", "Request body must be a JSON object");
  }
  const ids = (body as JsonObject).get("request_ids") ?? null;
  if (typeof ids === "string" && ids !== "") {
    return [ids];
  }
  return isJsonArray(ids) && ids.length > 0 ? ids.map(String) : undefined;
}

function flagOf(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  const word = text?.toLowerCase() ?? "false";
  if (!TRUE_TEXTS.has(word) && !FALSE_TEXTS.has(word)) {
    throw queryBooleanError(name, text ?? "");
  }
  return TRUE_TEXTS.has(word);
}
