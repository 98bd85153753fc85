import { InferenceAdmin } from "./admin/inference-admin.ts";
import { VllmEngineAdmin } from "./admin/vllm-engine-admin.ts";
import { transportOptions } from "./connect-engine.ts";
import type { EngineDialect } from "./engine.ts";
import { type EngineDescription, type EngineUrl, parseEngineUrl } from "./engine-address.ts";
import { EngineError } from "./engine-error.ts";
import { HttpEngineAdmin } from "./proxy/http-admin.ts";
import { NetProxyEngine } from "./proxy/net/net-proxy-engine.ts";
import { NetTransport } from "./transport/net/net-transport.ts";
import type { TlsOptions, TransportOptions } from "./transport/transport-options.ts";

/** How long and how to look. */
export interface ProbeOptions {
  /** Instant (milliseconds since the epoch) after which the search is given up; default 10 s from now. */
  readonly deadlineAtMs?: number;
  readonly tls?: TlsOptions;
  /** Cancels the search. */
  readonly signal?: AbortSignal;
}

interface Attempt {
  readonly settings: TransportOptions;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
}

/** True when the dialect is spoken, false when something else answered; throws when nothing did. */
type Probe = (attempt: Attempt) => Promise<boolean>;

const DEFAULT_TIMEOUT_MS = 10_000;

const PROBES: Readonly<Record<EngineDialect, Probe>> = {
  "vllm-engine": speaksVllmEngine,
  "vllm-inference": speaksInference,
  http: speaksHttp,
};

const ORDER: Readonly<Record<EngineUrl["protocol"], readonly EngineDialect[]>> = {
  any: ["vllm-engine", "vllm-inference", "http"],
  grpc: ["vllm-engine", "vllm-inference"],
  http: ["http"],
};

/**
 * Finds out which protocol an engine speaks. `http://host:port` is tried as VllmEngine, vllm.Inference and HTTP, in that
 * order; `grpc://` and `grpcs://` as the first two; `https://` as HTTP. An engine that is still loading counts.
 * Rejects with an EngineError: `rejected` for a URL that is none, `unavailable` when nothing listens, `protocol` when what
 * answers is no engine, `deadline_exceeded` and `cancelled`.
 */
export async function probeEngine(url: string, options: ProbeOptions = {}): Promise<EngineDescription> {
  const { protocol, address, secure } = parseEngineUrl(url);
  const attempt: Attempt = {
    settings: transportOptions({ address, secure }, options.tls === undefined ? {} : { tls: options.tls }),
    deadlineAtMs: options.deadlineAtMs ?? Date.now() + DEFAULT_TIMEOUT_MS,
    signal: options.signal,
  };
  const failures: EngineError[] = [];
  for (const dialect of ORDER[protocol]) {
    try {
      if (await PROBES[dialect](attempt)) return { dialect, address, secure };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === "cancelled" || error.code === "deadline_exceeded") throw error;
      failures.push(error);
      if (isRefused(error)) break;
    }
  }
  throw nothingFound(url, ORDER[protocol], failures);
}

async function speaksVllmEngine(attempt: Attempt): Promise<boolean> {
  const admin = new VllmEngineAdmin(new NetTransport(attempt.settings));
  try {
    return await answers(
      async () => admin.standardHealth(undefined, callOptions(attempt)),
      async () => admin.getModelInfo(callOptions(attempt)),
    );
  } finally {
    await admin.close();
  }
}

async function speaksInference(attempt: Attempt): Promise<boolean> {
  const admin = new InferenceAdmin(new NetTransport(attempt.settings));
  try {
    return await answers(async () => admin.getServerInfo(callOptions(attempt)));
  } finally {
    await admin.close();
  }
}

async function speaksHttp(attempt: Attempt): Promise<boolean> {
  const engine = new NetProxyEngine(attempt.settings);
  try {
    // Any answer will do: 503 is an engine that is loading, 401 one that wants a key.
    await new HttpEngineAdmin(engine).health(callOptions(attempt));
    return true;
  } finally {
    engine.close();
  }
}

/** True when one of the questions is answered; false when the server does not know any of them. */
async function answers(...questions: readonly (() => Promise<unknown>)[]): Promise<boolean> {
  for (const question of questions) {
    try {
      await question();
      return true;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      // A service or method that is unknown.
      if (error.code !== "unimplemented" && error.code !== "rejected") throw error;
    }
  }
  return false;
}

function callOptions(attempt: Attempt): { readonly deadlineAtMs: number; readonly signal?: AbortSignal } {
  const { deadlineAtMs, signal } = attempt;
  return signal === undefined ? { deadlineAtMs } : { deadlineAtMs, signal };
}

/** No protocol will do better when nothing listens. */
function isRefused(error: EngineError): boolean {
  return error.code === "unavailable" && /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH/.test(error.message);
}

function nothingFound(
  url: string,
  tried: readonly EngineDialect[],
  failures: readonly EngineError[],
): EngineError {
  const last = failures.at(-1);
  const reason = last === undefined ? "what answers knows none of these services" : last.message;
  const code = last === undefined ? "protocol" : last.code;
  const message = `no engine answers at ${url} (tried ${tried.join(", ")}): ${reason}`;
  return new EngineError(code, message, { cause: last, notStarted: true });
}
