/** Headers whose value makes a routing key, in the Rust router's order: the first that is there wins. */
export const ROUTING_KEY_HEADERS: readonly string[] = Object.freeze([
  "x-session-id",
  "x-user-id",
  "x-tenant-id",
  "x-correlation-id",
  "x-request-id",
  "x-trace-id",
]);

/** What {@link routingKeyOf} reads. */
export interface RoutingKeySource {
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined;
  /** The parsed body, when it is an object. Only its top level is read, never the prompt's text. */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

/** Where to look for a key instead of where the Rust router does. */
export interface RoutingKeyRules {
  /** Lower-case names; the first header that is there wins. */
  readonly headers: readonly string[];
  /** Body fields, dots leading into objects; looked at where none of the headers is there. */
  readonly fields: readonly string[];
}

/**
 * The affinity key by rules of the operator's own: `header:<name>:<value>` or `field:<path>:<value>`; undefined when
 * there is none. `field` reads the parsed body.
 */
export function routingKeyByRules(
  { headers, fields }: RoutingKeyRules,
  source: {
    readonly header: (name: string) => string | null | undefined;
    readonly field: (path: string) => unknown;
  },
): string | undefined {
  for (const name of headers) {
    const key = keyed(`header:${name}`, source.header(name));
    if (key !== undefined) {
      return key;
    }
  }
  for (const path of fields) {
    const key = keyed(`field:${path}`, source.field(path));
    if (key !== undefined) {
      return key;
    }
  }
  return undefined;
}

/**
 * The affinity key of a request as in the Rust router: the first header of {@link ROUTING_KEY_HEADERS} (as
 * `header:<name>:<value>`), else the body's `session_params.session_id` or `session_id` (as `session:<value>`), `user` or
 * `user_id` (as `user:<value>`), in its order. Undefined when there is none. Blank values do not count.
 */
export function routingKeyOf({ header, body }: RoutingKeySource): string | undefined {
  for (const name of ROUTING_KEY_HEADERS) {
    const value = header(name)?.trim();
    if (value !== undefined && value !== "") {
      return `header:${name}:${value}`;
    }
  }
  if (body === undefined) {
    return undefined;
  }
  const parameters = body["session_params"];
  const nested =
    typeof parameters === "object" && parameters !== null
      ? (parameters as Readonly<Record<string, unknown>>)["session_id"]
      : undefined;
  return (
    keyed("session", nested) ??
    keyed("user", body["user"]) ??
    keyed("session", body["session_id"]) ??
    keyed("user", body["user_id"])
  );
}

function keyed(prefix: string, value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text.trim() !== "" ? `${prefix}:${text.trim()}` : undefined;
}
