import { type AdminCallOptions, deadlineOf } from "../admin/admin-call.ts";
import { type KvEventSource, kvEventSourcesFromJson } from "../admin/kv-event-source.ts";
import type { ProxyEngine } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import { fetchWhole, type WholeAnswer } from "./fetch-whole.ts";

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A model as `/v1/models` lists it. */
export interface HttpModel {
  readonly id: string;
  /** The model's path or hub id; empty when not told. */
  readonly root: string;
  /** The base model of an adapter; undefined for a model of its own. */
  readonly parent: string | undefined;
  /** Context length in tokens; undefined when not told. */
  readonly maxModelTokens: number | undefined;
}

/** What the router asks of vLLM's HTTP server besides forwarding. Every call rejects with an EngineError. */
export class HttpEngineAdmin {
  readonly #engine: Pick<ProxyEngine, "forward">;
  /** Name, value, name, value …. */
  readonly #headers: readonly string[];

  /** `headers` go with every request, such as `authorization`. */
  constructor(engine: Pick<ProxyEngine, "forward">, headers: Readonly<Record<string, string>> = {}) {
    this.#engine = engine;
    this.#headers = Object.entries(headers).flat();
  }

  /** Status of GET /health: 200 is well, 503 is a dead engine. */
  async health(options: AdminCallOptions = {}): Promise<number> {
    return (await this.#get("/health", options)).status;
  }

  /** GET /v1/models. */
  async models(options: AdminCallOptions = {}): Promise<readonly HttpModel[]> {
    const body = await this.#getJson("/v1/models", options);
    const data = isRecord(body) ? body["data"] : undefined;
    if (!Array.isArray(data))
      throw new EngineError("protocol", "the engine's /v1/models has no list of models");
    return data.map(readModel);
  }

  /** GET /version. */
  async version(options: AdminCallOptions = {}): Promise<string> {
    const body = await this.#getJson("/version", options);
    const version = isRecord(body) ? body["version"] : undefined;
    if (typeof version !== "string")
      throw new EngineError("protocol", "the engine's /version has no version");
    return version;
  }

  /** GET /metrics, in Prometheus' text format. */
  async metrics(options: AdminCallOptions = {}): Promise<string> {
    return (await this.#getOk("/metrics", options)).toString("utf8");
  }

  /** GET /kv_event_sources, one source a rank; `unimplemented` where the server has no such route. */
  async getKvEventSources(options: AdminCallOptions = {}): Promise<readonly KvEventSource[]> {
    return kvEventSourcesFromJson(await this.#getJson("/kv_event_sources", options));
  }

  async #getJson(path: string, options: AdminCallOptions): Promise<unknown> {
    const body = await this.#getOk(path, options);
    try {
      return JSON.parse(body.toString("utf8"));
    } catch (cause) {
      throw new EngineError("protocol", `the engine's ${path} is not JSON`, { cause });
    }
  }

  async #getOk(path: string, options: AdminCallOptions): Promise<Buffer> {
    const { status, body } = await this.#get(path, options);
    if (status === 200) return body;
    const code = status === 404 ? "unimplemented" : status >= 500 ? "unavailable" : "rejected";
    throw new EngineError(code, `the engine answered ${path} with HTTP status ${status}`);
  }

  async #get(path: string, options: AdminCallOptions): Promise<WholeAnswer> {
    return fetchWhole(this.#engine, {
      path,
      headers: this.#headers,
      deadlineAtMs: deadlineOf(options),
      signal: options.signal,
      maxBytes: MAX_BODY_BYTES,
    });
  }
}

function readModel(entry: unknown): HttpModel {
  const id = isRecord(entry) ? entry["id"] : undefined;
  if (!isRecord(entry) || typeof id !== "string")
    throw new EngineError("protocol", "the engine lists a model without id");
  const { root, parent, max_model_len: maxModelTokens } = entry;
  return {
    id,
    root: typeof root === "string" ? root : "",
    parent: typeof parent === "string" ? parent : undefined,
    maxModelTokens: typeof maxModelTokens === "number" ? maxModelTokens : undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
