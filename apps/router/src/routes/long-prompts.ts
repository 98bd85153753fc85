import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { prepareLongPrompt } from "../tokenizing/prepare-long-prompt.ts";
import type { RouteServices } from "./services.ts";

/** Whether a request whose body has been read may have a prompt so long that others are to encode it: a body has no fewer bytes than its texts code units. */
export function mayBeLong(scope: RequestScope, { longTexts }: RouteServices): boolean {
  return scope.requestBytes > longTexts.mostUnits;
}

/**
 * Prepares a request once its long texts have been encoded.
 * @param prepare is without effect until it is through: it may be called again
 */
export function whenEncoded<Model extends ModelRuntime, Plan>(
  prepare: (model: Model) => Plan,
  on: { readonly scope: RequestScope; readonly model: Model; readonly services: RouteServices },
): () => Promise<Plan | undefined> {
  const { scope, model, services } = on;
  const { longTexts, server } = services;
  return () =>
    prepareLongPrompt(model, prepare, { longTexts, wait: (begin) => server.waiting(scope, begin) });
}
