import type { GenerateRequest } from "@vllm-router/proto/messages";
import { refuse } from "./sampling.ts";

/**
 * Checks the parameters of a KV connector as the servicer does. The simulator has no connector, so they have no effect.
 * @throws GrpcStatusError INVALID_ARGUMENT
 */
export function checkKvTransferParams(request: GenerateRequest): void {
  const { kvTransferParamsJson: json, kvTransferParams: legacy } = request;
  if (json !== undefined) {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (error) {
      refuse(`Invalid kv_transfer_params_json: ${error instanceof Error ? error.message : "not JSON"}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      refuse("kv_transfer_params_json must be a JSON object");
    }
  } else if (
    legacy !== undefined &&
    (legacy.remoteHost === "" || legacy.remotePort < 1 || legacy.remotePort > 65_535)
  ) {
    refuse("Invalid kv_transfer_params: remote_host must be set and remote_port must be in [1, 65535].");
  }
}
