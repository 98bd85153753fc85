import type { Exchange } from "./exchange.ts";

/** Starlette's list behind `allow_methods=["*"]`, in its order. */
const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"] as const;

const VARY =
  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";

/** True for the question a browser asks before a request to another origin. */
export function isCorsPreflight(exchange: Exchange): boolean {
  return (
    exchange.incoming.method === "OPTIONS" &&
    exchange.header("origin") !== undefined &&
    exchange.header("access-control-request-method") !== undefined
  );
}

/** Answers a preflight as vLLM does with its default of no allowed origin: 400 and what was wrong. */
export function refuseCorsPreflight(exchange: Exchange): void {
  const failures = ["origin"];
  const method: string = exchange.header("access-control-request-method") ?? "";
  if (!METHODS.some((known) => known === method)) {
    failures.push("method");
  }
  if (exchange.header("access-control-request-private-network") !== undefined) {
    failures.push("private-network");
  }
  const requestedHeaders = exchange.header("access-control-request-headers");
  exchange.send(400, `Disallowed CORS ${failures.join(", ")}`, {
    vary: VARY,
    "access-control-allow-methods": METHODS.join(", "),
    "access-control-max-age": "600",
    ...(requestedHeaders === undefined ? {} : { "access-control-allow-headers": requestedHeaders }),
    "content-type": "text/plain; charset=utf-8",
  });
}
