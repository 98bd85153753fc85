import { writeJson } from "@vllm-router/api";
import { tokenizerInfo } from "../models/tokenizer-info.ts";
import type { Route } from "../server/route-table.ts";
import { modelOfRequest } from "./model-of-request.ts";
import type { RouteServices } from "./services.ts";
import { unlessHttpOnly } from "./unknown-path.ts";

/** `GET /tokenizer_info`, where `--enable-tokenizer-info-endpoint` opened it. */
export function tokenizerInfoRoutes(services: RouteServices): readonly Route[] {
  const get = unlessHttpOnly(
    ({ exchange }) => exchange.sendJson(200, writeJson(tokenizerInfo(modelOfRequest(null, services)))),
    services,
  );
  return services.showsTokenizer ? [{ path: "/tokenizer_info", methods: { GET: get } }] : [];
}
