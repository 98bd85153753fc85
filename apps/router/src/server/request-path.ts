import { getPath } from "hono/utils/url";
import type { IncomingRequest } from "./incoming-request.ts";

/**
 * Path by which the route is found: percent-decoded, and without the `rootPath` under which a reverse proxy publishes the
 * server. As in Starlette, a path that does not begin with it is taken as it is.
 */
export function requestPath(request: Request, rootPath: string | undefined): string {
  const path = getPath(request);
  const prefix = rootPath?.replace(/\/+$/, "") ?? "";
  if (prefix === "" || !path.startsWith(prefix)) {
    return path;
  }
  if (path.length === prefix.length) {
    return "/";
  }
  return path[prefix.length] === "/" ? path.slice(prefix.length) : path;
}

/** Slashes at the end, as they are or escaped. */
const TRAILING_SLASHES = /(?:\/|%2F)+$/i;

/** The path a trailing slash was added to; undefined when there is none. */
export function withoutTrailingSlashes(path: string): string | undefined {
  const shorter = path.replace(TRAILING_SLASHES, "");
  return shorter === path || shorter === "" ? undefined : shorter;
}

/** Address of the same request without its trailing slashes, absolute as Starlette's redirects are. */
export function redirectTarget(incoming: IncomingRequest): string {
  const url = incoming.url ?? "/";
  const queryAt = url.indexOf("?");
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? "" : url.slice(queryAt);
  const host = incoming.header("host") ?? `${incoming.socket.localAddress}:${incoming.socket.localPort}`;
  const relative = `${path.replace(TRAILING_SLASHES, "")}${query}`;
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  return relative.startsWith("/") ? `${scheme}://${host}${relative}` : relative;
}
