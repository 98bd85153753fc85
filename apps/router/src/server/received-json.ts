import type { JsonValue } from "@vllm-router/api";
import type { ProxiedBody } from "./proxied-body.ts";

/** A JSON body as received and as parsed. */
export interface ReceivedJson {
  readonly bytes: Uint8Array;
  /** Parsed on first use: the proxy lane does without. @throws ApiError with vLLM's text */
  json(): JsonValue;
  /** What the proxy lane reads of it; on first use. */
  asProxied(): ProxiedBody;
}
