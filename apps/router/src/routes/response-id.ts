import { randomId } from "../pipeline/random-id.ts";
import type { RequestScope } from "../server/request-scope.ts";

/**
 * The part of a response's id after its prefix: the request's own id (the first header that is there, then the body's),
 * else a random one. An empty id is one, too.
 */
export function baseRequestId(
  scope: RequestScope,
  sources: {
    readonly body: string | null;
    readonly headers: readonly string[];
  },
): string {
  for (const name of sources.headers) {
    const header = scope.exchange.header(name);
    if (header !== undefined) {
      return header;
    }
  }
  return sources.body ?? randomId();
}

/** `X-data-parallel-rank` as vLLM reads it: ignored unless it is an integer. */
export function requestedRank(scope: RequestScope): number | undefined {
  const text = scope.exchange.header("x-data-parallel-rank");
  return text !== undefined && /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** `X-Vllm-Priority` as vLLM reads it: ignored unless it is an integer. */
export function requestedPriority(scope: RequestScope): number | undefined {
  const text = scope.exchange.header("x-vllm-priority");
  return text !== undefined && /^\s*[+-]?\d+(?:_\d+)*\s*$/.test(text)
    ? Number(text.replaceAll("_", ""))
    : undefined;
}

/** `X-Session-ID`; undefined when it is missing or empty. */
export function requestedSession(scope: RequestScope): string | undefined {
  const text = scope.exchange.header("x-session-id");
  return text === "" ? undefined : text;
}

/** What the W3C's trace context, and gRPC's metadata, allow in a value. */
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Metadata passed on to the engine: the trace the request belongs to. Malformed headers are no trace (W3C Trace Context). */
export function traceMetadata(scope: RequestScope): Readonly<Record<string, string>> | undefined {
  const traceparent = scope.exchange.header("traceparent");
  if (traceparent === undefined || !PRINTABLE_ASCII.test(traceparent)) {
    return undefined;
  }
  const tracestate = scope.exchange.header("tracestate");
  return tracestate === undefined || !PRINTABLE_ASCII.test(tracestate)
    ? { traceparent }
    : { traceparent, tracestate };
}
