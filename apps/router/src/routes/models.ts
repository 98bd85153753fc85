import { modelListBody, type ModelCard } from "@vllm-router/api";
import { randomId } from "../pipeline/random-id.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { isHttpOnly } from "./choose-lane.ts";
import { proxiedCards, proxiedModelsAgree } from "./proxied-models.ts";
import { readProxiedBody } from "../server/proxied-body.ts";
import { serveProxied } from "./proxy-route.ts";
import type { RouteServices } from "./services.ts";

const NO_BODY = readProxiedBody(new Uint8Array(0));

/**
 * `GET /v1/models`: one card per served name. HTTP workers that serve the same models are asked themselves; what
 * others listed when they registered is put together.
 */
export async function serveModels(scope: RequestScope, services: RouteServices): Promise<void> {
  if (isHttpOnly(services.fleet) && proxiedModelsAgree(services)) {
    await serveProxied(scope, NO_BODY, { services });
    return;
  }
  const created = Math.floor(services.timers.now() / 1000);
  const known = services.models.runtimes.flatMap((runtime) =>
    runtime.servedNames.map((id): ModelCard => ({
      id,
      created,
      root: runtime.root,
      parent: null,
      maxModelLength: runtime.maxModelLength,
      permissionId: randomId(),
    })),
  );
  for (const { adapter } of services.models.adapters) {
    if (adapter !== undefined) {
      const { name: id, path: root, parent } = adapter;
      known.push({ id, created, root, parent, maxModelLength: null, permissionId: randomId() });
    }
  }
  const knownNames = new Set(known.map((card) => card.id));
  const proxied = proxiedCards(services)
    .filter(({ id }) => !knownNames.has(id))
    .map(({ id, root, parent, maxModelTokens }): ModelCard => ({
      id,
      created,
      root: root === "" ? id : root,
      parent: parent ?? null,
      maxModelLength: maxModelTokens ?? null,
      permissionId: randomId(),
    }));
  scope.exchange.sendJson(200, modelListBody([...known, ...proxied]));
}
