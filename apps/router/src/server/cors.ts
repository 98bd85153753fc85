import type { OutgoingHttpHeaders } from "node:http";
import type { ClientSide } from "./exchange.ts";

/** What browsers of other origins may do (`--allowed-origins` and its like). */
export interface CorsSettings {
  /** `*` among them allows all. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly credentials: boolean;
}

/** vLLM's defaults: no other origin. */
export const NO_ORIGINS: CorsSettings = { origins: [], methods: ["*"], headers: ["*"], credentials: false };

/** Starlette's list behind `allow_methods=["*"]`, in its order. */
const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"] as const;
const SAFE_HEADERS = ["Accept", "Accept-Language", "Content-Language", "Content-Type"] as const;
const MAX_AGE_SECONDS = "600";
const VARY =
  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";
const VARY_BY_ORIGIN: OutgoingHttpHeaders = { vary: "Origin" };

/** The rules of Starlette's CORS middleware, which is vLLM's. */
export class Cors {
  readonly #settings: CorsSettings;
  readonly #allowsAllOrigins: boolean;
  readonly #allowsAllHeaders: boolean;
  readonly #methods: readonly string[];
  readonly #headers: readonly string[];

  constructor(settings: CorsSettings) {
    this.#settings = settings;
    this.#allowsAllOrigins = settings.origins.includes("*");
    this.#allowsAllHeaders = settings.headers.includes("*");
    this.#methods = settings.methods.includes("*") ? METHODS : settings.methods;
    this.#headers = [...new Set([...SAFE_HEADERS, ...settings.headers])].toSorted();
  }

  /** Headers of an answer that is no preflight's. The object is shared: not to be changed. */
  headersFor(exchange: ClientSide): OutgoingHttpHeaders {
    const origin = exchange.header("origin");
    const { origins, credentials } = this.#settings;
    if (origin === undefined || (origins.length === 0 && !credentials)) {
      return VARY_BY_ORIGIN;
    }
    const headers: OutgoingHttpHeaders = { vary: "Origin" };
    if (credentials) {
      headers["access-control-allow-credentials"] = "true";
    }
    if (this.#allowsAllOrigins) {
      headers["access-control-allow-origin"] = credentials ? origin : "*";
    } else if (origins.includes(origin)) {
      headers["access-control-allow-origin"] = origin;
    }
    return headers;
  }

  /** Answers the question a browser asks before a request to another origin. */
  answerPreflight(exchange: ClientSide): void {
    const origin = exchange.header("origin") ?? "";
    const requestedHeaders = exchange.header("access-control-request-headers");
    const failures: string[] = [];
    const headers = this.#preflightHeaders(requestedHeaders);
    if (!this.#allowsAllOrigins && !this.#settings.origins.includes(origin)) {
      failures.push("origin");
    } else if (!this.#allowsAllOrigins || this.#settings.credentials) {
      headers["access-control-allow-origin"] = origin;
    }
    if (!this.#methods.includes(exchange.header("access-control-request-method") ?? "")) {
      failures.push("method");
    }
    if (!this.#allowsHeaders(requestedHeaders)) {
      failures.push("headers");
    }
    if (exchange.header("access-control-request-private-network") !== undefined) {
      failures.push("private-network");
    }
    if (failures.length > 0) {
      exchange.send(400, `Disallowed CORS ${failures.join(", ")}`, headers);
    } else {
      exchange.send(200, "OK", headers);
    }
  }

  #preflightHeaders(requestedHeaders: string | undefined): OutgoingHttpHeaders {
    const { credentials } = this.#settings;
    const headers: OutgoingHttpHeaders = {
      vary: VARY,
      "access-control-allow-methods": this.#methods.join(", "),
      "access-control-max-age": MAX_AGE_SECONDS,
      "content-type": "text/plain; charset=utf-8",
    };
    if (this.#allowsAllOrigins && !credentials) {
      headers["access-control-allow-origin"] = "*";
    }
    if (credentials) {
      headers["access-control-allow-credentials"] = "true";
    }
    if (!this.#allowsAllHeaders) {
      headers["access-control-allow-headers"] = this.#headers.join(", ");
    } else if (requestedHeaders !== undefined) {
      headers["access-control-allow-headers"] = requestedHeaders;
    }
    return headers;
  }

  #allowsHeaders(requested: string | undefined): boolean {
    if (this.#allowsAllHeaders || requested === undefined) {
      return true;
    }
    const allowed = new Set(this.#headers.map((name) => name.toLowerCase()));
    return requested.split(",").every((name) => allowed.has(name.trim().toLowerCase()));
  }
}

/** True for the question a browser asks before a request to another origin. */
export function isCorsPreflight(exchange: ClientSide): boolean {
  return (
    exchange.incoming.method === "OPTIONS" &&
    exchange.header("origin") !== undefined &&
    exchange.header("access-control-request-method") !== undefined
  );
}
