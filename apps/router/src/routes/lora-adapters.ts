import {
  ApiError,
  internalError,
  notFoundError,
  notImplementedError,
  parseLoadAdapterRequest,
  parseUnloadAdapterRequest,
  unsupportedFieldError,
} from "@vllm-router/api";
import { EngineError, type InferenceConnection } from "@vllm-router/engine-client";
import type { Worker } from "../fleet/worker.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route } from "../server/route-table.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";
import { unlessHttpOnly } from "./unknown-path.ts";

/** Loading may read gigabytes. */
const CALL_TIMEOUT_MS = 120_000;
/** Until the fleet has looked again at the engines that were changed. */
const KNOWN_TIMEOUT_MS = 5_000;
const LOOK_MS = 20;

/** The routes of `VLLM_ALLOW_RUNTIME_LORA_UPDATING`. */
export function loraAdapterRoutes(services: RouteServices): readonly Route[] {
  if (!services.changesAdapters) {
    return [];
  }
  return [
    {
      path: "/v1/load_lora_adapter",
      methods: { POST: unlessHttpOnly((scope) => serveLoad(scope, services), services) },
    },
    {
      path: "/v1/unload_lora_adapter",
      methods: { POST: unlessHttpOnly((scope) => serveUnload(scope, services), services) },
    },
  ];
}

async function serveLoad(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  const request = parseLoadAdapterRequest(received.json());
  const { loraName: name, loraPath: path } = request;
  if (name === "" || path === "") {
    throw userError("Both 'lora_name' and 'lora_path' must be provided.");
  }
  if (services.models.names().includes(name)) {
    throw userError(`The lora adapter '${name}' conflicts with a served base model.`);
  }
  if (isLoaded(name, services)) {
    if (request.loadInplace) {
      throw unsupportedFieldError("load_inplace");
    }
    throw userError(
      `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, set ` +
        "'load_inplace' to True.",
    );
  }
  if (request.is3dLoraWeight) {
    throw unsupportedFieldError("is_3d_lora_weight");
  }
  await onAllEngines(services, ({ admin }, options) => admin.loadLora({ name, path }, options), {
    isDone: (error) => error.message.includes("already loaded"),
    answerTo: (error) =>
      error.message.includes("must exist")
        ? notFoundError(`Loading lora ${name} failed: No adapter found for ${path}`)
        : refusalOf(error),
  });
  await untilKnown(services, () => isLoaded(name, services));
  sendText(scope, `Success: LoRA adapter '${name}' added successfully.`);
}

async function serveUnload(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  const { loraName: name } = parseUnloadAdapterRequest(received.json());
  if (name === "") {
    throw userError("'lora_name' needs to be provided to unload a LoRA adapter.");
  }
  if (!isLoaded(name, services)) {
    throw notFoundError(`The lora adapter '${name}' cannot be found.`);
  }
  await onAllEngines(services, ({ admin }, options) => admin.unloadLora(name, options), {
    isDone: (error) => error.message.includes("is not loaded"),
    answerTo: refusalOf,
  });
  await untilKnown(services, () => !isLoaded(name, services));
  sendText(scope, `Success: LoRA adapter '${name}' removed successfully.`);
}

function isLoaded(name: string, { models }: RouteServices): boolean {
  return models.adapters.some(({ adapter }) => adapter?.name === name);
}

interface EngineWorker extends Worker {
  readonly connection: InferenceConnection;
}

/**
 * Has every engine that can do it; what one has already done is done.
 * @throws ApiError for the first engine that would not, when all have answered
 */
async function onAllEngines(
  services: RouteServices,
  call: (connection: InferenceConnection, options: { readonly deadlineAtMs: number }) => Promise<void>,
  judge: {
    readonly isDone: (error: EngineError) => boolean;
    readonly answerTo: (error: EngineError) => ApiError;
  },
): Promise<void> {
  const able = services.fleet
    .workers()
    .filter((worker): worker is EngineWorker => worker.connection.dialect === "vllm-inference");
  if (able.length === 0) {
    throw notImplementedError("The engines behind this server take no LoRA adapters while they run.");
  }
  const deadlineAtMs = services.timers.now() + CALL_TIMEOUT_MS;
  const results = await Promise.allSettled(able.map(({ connection }) => call(connection, { deadlineAtMs })));
  for (const { id } of able) {
    services.fleet.suspect(id);
  }
  for (const result of results) {
    if (result.status === "rejected") {
      const { reason } = result as { readonly reason: unknown };
      if (!(reason instanceof EngineError)) {
        throw reason;
      }
      if (!judge.isDone(reason)) {
        throw judge.answerTo(reason);
      }
    }
  }
}

/** Waits until the fleet has seen what was changed, so that the next request finds it. */
async function untilKnown(services: RouteServices, isKnown: () => boolean): Promise<void> {
  const { timers, fleet } = services;
  const endMs = timers.steadyMs() + KNOWN_TIMEOUT_MS;
  while (!isKnown() && timers.steadyMs() < endMs) {
    // oxlint-disable-next-line no-await-in-loop -- one look after another is what waiting is
    await new Promise<void>((resolve) => {
      timers.after(LOOK_MS, resolve);
    });
    for (const { id } of fleet.snapshot("token").workers) {
      fleet.suspect(id);
    }
  }
}

function refusalOf(error: EngineError): ApiError {
  return error.code === "rejected" ? userError(error.message) : internalError(error.message, error);
}

function userError(message: string): ApiError {
  return new ApiError({ status: 400, type: "InvalidUserInput", message });
}

function sendText(scope: RequestScope, text: string): void {
  scope.exchange.send(200, text, {});
}
