import { createHash, timingSafeEqual } from "node:crypto";
import type { ClientSide } from "./exchange.ts";

/** Beginnings of the paths that vLLM guards; all others stay open. */
const GUARDED_PREFIXES = ["/v1", "/v2", "/inference", "/cohere"] as const;
/** The router's own paths, which tell of its workers. */
const OWN_PREFIXES = ["/workers", "/list_workers", "/get_loads", "/debug"] as const;

/** Tells requests that carry one of the server's API keys from those that do not, as vLLM does. */
export class ApiKeyGuard {
  readonly #digests: readonly Buffer[];
  readonly #rootPath: string;

  /** @param rootPath `--root-path`, taken off before a path is looked at */
  constructor(keys: readonly string[], rootPath: string | undefined) {
    this.#digests = keys.map(digest);
    this.#rootPath = rootPath ?? "";
  }

  /** Whether the request may pass: it carries a key, or its path or verb needs none. */
  admits(exchange: ClientSide): boolean {
    return (
      exchange.incoming.method === "OPTIONS" ||
      !this.#isGuarded(exchange.incoming.url ?? "/") ||
      this.#isKnown(exchange.header("authorization") ?? "")
    );
  }

  #isGuarded(url: string): boolean {
    const path = decoded(url.split("?", 1)[0] ?? "/");
    const bare = path.startsWith(this.#rootPath) ? path.slice(this.#rootPath.length) : path;
    return [...GUARDED_PREFIXES, ...OWN_PREFIXES].some((prefix) => bare.startsWith(prefix));
  }

  #isKnown(authorization: string): boolean {
    const space = authorization.indexOf(" ");
    const scheme = space === -1 ? authorization : authorization.slice(0, space);
    if (scheme.toLowerCase() !== "bearer") {
      return false;
    }
    const given = digest(space === -1 ? "" : authorization.slice(space + 1));
    let isKnown = false;
    // Every key is compared, so that time does not tell which one was nearly right.
    for (const key of this.#digests) {
      isKnown = timingSafeEqual(key, given) || isKnown;
    }
    return isKnown;
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
