import type { EngineDialect } from "./engine.ts";
import { EngineError } from "./engine-error.ts";

/** What is known about an engine before a connection exists: which protocol, and where. */
export interface EngineDescription {
  readonly dialect: EngineDialect;
  /** `host:port`; an IPv6 host is in brackets. */
  readonly address: string;
  /** True for TLS. */
  readonly secure: boolean;
}

/** An engine URL taken apart. */
export interface EngineUrl {
  /** `any` has to be probed, `grpc` is one of the gRPC dialects. */
  readonly protocol: "any" | "grpc" | "http";
  readonly address: string;
  readonly secure: boolean;
}

const SCHEMES: Readonly<
  Record<string, Omit<EngineUrl, "address"> & { readonly defaultPort: string | undefined }>
> = {
  "http:": { protocol: "any", secure: false, defaultPort: "80" },
  "https:": { protocol: "http", secure: true, defaultPort: "443" },
  "grpc:": { protocol: "grpc", secure: false, defaultPort: undefined },
  "grpcs:": { protocol: "grpc", secure: true, defaultPort: undefined },
};

/**
 * Reads an engine URL: `http://host:port` may be any protocol, `grpc://`, `grpcs://` and `https://` say which.
 * Throws an EngineError `rejected` that names the URL when it is none of these.
 */
export function parseEngineUrl(text: string): EngineUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url === undefined ? undefined : SCHEMES[url.protocol];
  if (url === undefined || scheme === undefined || !text.includes("://")) {
    throw invalid(text, "must begin with http://, https://, grpc:// or grpcs://");
  }
  if (url.hostname === "") throw invalid(text, "has no host");
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "") {
    throw invalid(text, "must not have a path");
  }
  if (url.username !== "" || url.password !== "") throw invalid(text, "must not hold credentials");
  const port = url.port === "" ? scheme.defaultPort : url.port;
  if (port === undefined) throw invalid(text, "has no port");
  return { protocol: scheme.protocol, address: `${url.hostname}:${port}`, secure: scheme.secure };
}

function invalid(text: string, reason: string): EngineError {
  return new EngineError("rejected", `the engine URL ${JSON.stringify(text)} ${reason}`);
}
