import { isJsonObject, parseJsonBytes, type JsonObject, type JsonValue } from "@vllm-router/api";
import type { StreamedBody } from "@vllm-router/engine-client";

/** The little that routing reads of a body which is passed on as it came. */
export interface ProxiedBody {
  /** The body, or its beginning when it is still on its way. */
  readonly bytes: Uint8Array;
  /** Undefined for a body that is all there. */
  readonly stream?: StreamedBody | undefined;
  /** `model`; empty when it names none or is not JSON: then any worker will do, and answer in its own words. */
  readonly model: string;
  /** Top-level fields that make a routing key. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** The body when it is a JSON object, else undefined. */
  readonly fields: JsonObject | undefined;
}

const KEY_FIELDS = ["session_id", "user", "user_id"] as const;

/** Reads what routing needs of a body. Never fails: what is wrong with it is the worker's to say. */
export function readProxiedBody(bytes: Uint8Array): ProxiedBody {
  const fields = topLevel(bytes);
  const model = fields?.get("model");
  return {
    bytes,
    model: typeof model === "string" ? model : "",
    fields,
    keys: {
      session_params: plainObject(fields?.get("session_params")),
      ...Object.fromEntries(KEY_FIELDS.map((name) => [name, fields?.get(name)])),
    },
  };
}

function topLevel(bytes: Uint8Array): JsonObject | undefined {
  if (bytes.length === 0) {
    return undefined;
  }
  try {
    const value = parseJsonBytes(bytes);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function plainObject(value: JsonValue | undefined): unknown {
  return value instanceof Map ? Object.fromEntries(value) : undefined;
}
