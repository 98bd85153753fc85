/** Headers that concern one connection only (RFC 9110 §7.6.1) and those that the HTTP client sets itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const SET_BY_CLIENT: ReadonlySet<string> = new Set(["content-length", "expect", "host"]);

/** Headers of a request as they are passed on; `headers` is name, value, name, value …. */
export function requestHeadersToForward(headers: readonly string[]): string[] {
  return withoutHopByHop(headers, SET_BY_CLIENT);
}

/** Headers of an answer as they are passed on. */
export function responseHeadersToForward(headers: readonly string[]): string[] {
  return withoutHopByHop(headers, undefined);
}

function withoutHopByHop(headers: readonly string[], others: ReadonlySet<string> | undefined): string[] {
  const named = namedByConnection(headers);
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || others?.has(lower) === true || named?.has(lower) === true) continue;
    kept.push(name, headers[index + 1] as string);
  }
  return kept;
}

function namedByConnection(headers: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== "connection") continue;
    named ??= new Set();
    for (const name of (headers[index + 1] as string).split(",")) named.add(name.trim().toLowerCase());
  }
  return named;
}
