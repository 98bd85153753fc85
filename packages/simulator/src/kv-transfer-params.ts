import { isJsonObject, JsonError, type JsonValue, parseJson } from "@vllm-router/api";
import type { GenerateRequest } from "@vllm-router/proto/messages";
import { refuse } from "./sampling.ts";

/**
 * Checks the parameters of a KV connector as the servicer does. The simulator has no connector, so they have no effect.
 * @throws GrpcStatusError INVALID_ARGUMENT
 */
export function checkKvTransferParams(request: GenerateRequest): void {
  const { kvTransferParamsJson: json, kvTransferParams: legacy } = request;
  if (json !== undefined) {
    if (!isJsonObject(parse(json))) refuse("kv_transfer_params_json must be a JSON object");
  } else if (
    legacy !== undefined &&
    (legacy.remoteHost === "" || legacy.remotePort < 1 || legacy.remotePort > 65_535)
  ) {
    refuse("Invalid kv_transfer_params: remote_host must be set and remote_port must be in [1, 65535].");
  }
}

function parse(json: string): JsonValue {
  try {
    return parseJson(json);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return refuse(`Invalid kv_transfer_params_json: ${error.message}${place(json, error.position)}`);
  }
}

/** Where Python's decoder says the error is. */
function place(json: string, position: number): string {
  const before = [...json].slice(0, position);
  const line = before.filter((character) => character === "\n").length + 1;
  const column = position - before.lastIndexOf("\n");
  return `: line ${line} column ${column} (char ${position})`;
}
