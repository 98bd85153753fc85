import { writeJson } from "@vllm-router/api";
import { tokenizerInfo } from "../models/tokenizer-info.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route } from "../server/route-table.ts";
import { isHttpOnly } from "./choose-lane.ts";
import { modelOfRequest } from "./model-of-request.ts";
import type { RouteServices } from "./services.ts";
import { passOn } from "./unknown-path.ts";

/** `GET /tokenizer_info`, where `--enable-tokenizer-info-endpoint` opened it. */
export function tokenizerInfoRoutes(services: RouteServices): readonly Route[] {
  const get = (scope: RequestScope): Promise<void> | void => {
    if (isHttpOnly(services.fleet)) {
      return passOn(scope, services);
    }
    scope.exchange.sendJson(200, writeJson(tokenizerInfo(modelOfRequest(null, services))));
  };
  return services.showsTokenizer ? [{ path: "/tokenizer_info", methods: { GET: get } }] : [];
}
