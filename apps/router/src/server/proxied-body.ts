import {
  isJsonObject,
  jsonMembers,
  parseJsonBytes,
  type ByteSpan,
  type JsonObject,
  type JsonValue,
} from "@vllm-router/api";
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
  /** The body when it is a JSON object, else undefined. Read whole when it is first asked for. */
  readonly fields: JsonObject | undefined;
  /** Where its top-level fields are; undefined where that cannot be told without reading it whole. */
  readonly members: ReadonlyMap<string, ByteSpan> | undefined;
  /** One top-level field; undefined where it is missing or no JSON, and for a body that is no JSON object. */
  get(name: string): JsonValue | undefined;
}

const KEY_FIELDS = ["session_id", "user", "user_id"] as const;

/** Reads what routing needs of a body. Never fails: what is wrong with it is the worker's to say. */
export function readProxiedBody(bytes: Uint8Array): ProxiedBody {
  return new JsonBody(bytes);
}

/** A body whose content is not JSON: a file or a form with files. */
export function formBody(bytes: Uint8Array, model: string, stream?: StreamedBody): ProxiedBody {
  return { bytes, stream, model, keys: {}, fields: undefined, members: undefined, get: () => undefined };
}

class JsonBody implements ProxiedBody {
  readonly bytes: Uint8Array;
  readonly members: ReadonlyMap<string, ByteSpan> | undefined;
  readonly model: string;
  readonly keys: Readonly<Record<string, unknown>>;
  #fields: JsonObject | undefined;
  #isRead = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.members = jsonMembers(bytes);
    const model = this.get("model");
    this.model = typeof model === "string" ? model : "";
    const keys: Record<string, unknown> = { session_params: plainObject(this.get("session_params")) };
    for (const name of KEY_FIELDS) keys[name] = this.get(name);
    this.keys = keys;
  }

  get fields(): JsonObject | undefined {
    if (!this.#isRead) {
      this.#isRead = true;
      const value = parsed(this.bytes);
      this.#fields = isJsonObject(value) ? value : undefined;
    }
    return this.#fields;
  }

  get(name: string): JsonValue | undefined {
    if (this.members === undefined) {
      return this.fields?.get(name);
    }
    const span = this.members.get(name);
    return span && parsed(this.bytes.subarray(span.start, span.end));
  }
}

function parsed(bytes: Uint8Array): JsonValue | undefined {
  if (bytes.length === 0) {
    return undefined;
  }
  try {
    return parseJsonBytes(bytes);
  } catch {
    return undefined;
  }
}

function plainObject(value: JsonValue | undefined): unknown {
  return value instanceof Map ? Object.fromEntries(value) : undefined;
}
