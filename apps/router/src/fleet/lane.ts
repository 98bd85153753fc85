import type { EngineDialect } from "@vllm-router/engine-client";

/** Token lane: the router speaks token ids with the engine. Proxy lane: the client's body goes through unchanged. */
export type Lane = "token" | "proxy";

/** The lane of an engine's dialect. */
export function laneOf(dialect: EngineDialect): Lane {
  return dialect === "http" ? "proxy" : "token";
}
