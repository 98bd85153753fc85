import { payloadTooLargeError } from "@vllm-router/api";
import { receiveReplayable } from "../server/replayable-body.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { multipartModel } from "./multipart-model.ts";
import { formBody, type ProxiedBody } from "../server/proxied-body.ts";
import { type BodyServices, receiveJson } from "./read-json.ts";

/** So much of a file is held, for routing to look at and for a second worker. */
const HELD_BYTES = 1024 * 1024;

/** Bodies that are files, or forms with files in them. */
const FILE_TYPE = /^(?:multipart\/|audio\/|video\/|image\/|application\/octet-stream)/i;

/**
 * Receives a body that is to be passed on. Files travel through: no more than the beginning is held. Anything else is
 * taken to be JSON and held whole, because routing goes by what is in it.
 * @returns undefined when the client left before that
 * @throws ApiError 413 when it is larger than the limit
 */
export async function receiveProxied(
  scope: RequestScope,
  services: BodyServices,
): Promise<ProxiedBody | undefined> {
  const { exchange } = scope;
  const contentType = exchange.header("content-type");
  if (!FILE_TYPE.test(contentType ?? "")) {
    return (await receiveJson(scope, services))?.asProxied();
  }
  const limitBytes = services.maxPayloadBytes;
  const result = await receiveReplayable(exchange.incoming, { heldBytes: HELD_BYTES, limitBytes });
  switch (result.kind) {
    case "aborted":
      return undefined;
    case "too-large":
      throw payloadTooLargeError(result.limitBytes);
    case "whole":
      scope.requestBytes = result.bytes.length;
      return formBody(result.bytes, multipartModel(contentType, result.bytes));
    case "streamed": {
      const { body } = result;
      const { held } = body;
      scope.requestBytes = body.lengthBytes ?? body.receivedBytes;
      return formBody(held, multipartModel(contentType, held), body);
    }
  }
}
