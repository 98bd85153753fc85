import { modelListBody, type ModelCard } from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import { randomId } from "./random-id.ts";
import type { RouteServices } from "./services.ts";

/** `GET /v1/models`: one card per served name. */
export function serveModels(scope: RequestScope, services: RouteServices): void {
  const created = Math.floor(services.timers.now() / 1000);
  const cards = services.models.runtimes.flatMap((runtime) =>
    runtime.servedNames.map((id): ModelCard => ({
      id,
      created,
      root: runtime.root,
      parent: null,
      maxModelLength: runtime.maxModelLength,
      permissionId: randomId(),
    })),
  );
  scope.exchange.sendJson(200, modelListBody(cards));
}
