import { isJsonArray, type JsonObject, type JsonValue } from "@vllm-router/api";
import { GrpcStatusError } from "./grpc-status.ts";

/** Where a MoRI-IO connector takes the other engine to be. */
export interface MoriioPeer {
  readonly host: string;
  readonly handshakePort: number;
  readonly notifyPort: number;
  readonly dataRanks: number;
  readonly rank: number;
}

/**
 * The other engine as vLLM's connector reads it: from the request id where that has addresses in it, else from the
 * parameters. A producer looks for the decode engine, a consumer for the prefill engine.
 * @throws GrpcStatusError INTERNAL where vLLM's connector raises, which ends the engine
 */
export function peerOf(
  params: JsonObject,
  request: { readonly id: string; readonly isProducer: boolean },
): MoriioPeer {
  const ranks = {
    dataRanks: integerOf(params, "remote_dp_size", 1),
    rank: integerOf(params, "remote_dp_rank", 0),
  };
  const pattern = request.isProducer
    ? /___decode_addr_(.+)_[0-9a-f]{32}(?:-.*)?$/
    : /___prefill_addr_(.+?)___decode_addr_/;
  const embedded = pattern.exec(request.id)?.[1];
  if (embedded !== undefined) {
    const parts = new Map(
      embedded
        .split(",")
        .map((part) => [part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1)]),
    );
    return {
      host: parts.get("host") ?? raise(`Malformed zmq_address ${embedded}`),
      handshakePort: portOf(parts.get("handshake"), "handshake"),
      notifyPort: portOf(parts.get("notify"), "notify"),
      ...ranks,
    };
  }
  const host = params.get("remote_host");
  if (typeof host !== "string" || host === "") {
    raise("kv_transfer_params['remote_host'] is missing or empty; cannot route MoRI-IO transfer");
  }
  return {
    host: String(host),
    handshakePort: portOf(params.get("remote_handshake_port"), "remote_handshake_port"),
    notifyPort: portOf(params.get("remote_notify_port"), "remote_notify_port"),
    ...ranks,
  };
}

/** Fields that the connector takes without asking whether they are there. @throws GrpcStatusError INTERNAL */
export function requireKeys(params: JsonObject, keys: readonly string[]): void {
  for (const key of keys) {
    if (!params.has(key)) raise(`KeyError: '${key}'`);
  }
}

/** Groups of block ids. @throws GrpcStatusError INTERNAL for what is no list of lists */
export function blockGroups(value: JsonValue | undefined): number {
  if (!isJsonArray(value) || !value.every(isJsonArray))
    raise("TypeError: remote_block_ids is no list of groups");
  return (value as readonly JsonValue[]).length;
}

function integerOf(params: JsonObject, key: string, otherwise: number): number {
  const value = params.get(key) ?? otherwise;
  return Number.isInteger(value) ? Number(value) : raise(`TypeError: ${key} is no integer`);
}

function portOf(value: JsonValue | undefined, name: string): number {
  const port = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isInteger(port) && port > 0 ? port : raise(`${name} is missing or no port`);
}

/** What the connector raises in the engine's loop. */
function raise(message: string): never {
  throw new GrpcStatusError("INTERNAL", `EngineCore encountered an issue: ${message}`);
}
