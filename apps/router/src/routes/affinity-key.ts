import type { JsonValue } from "@vllm-router/api";
import { routingKeyByRules, routingKeyOf, type RoutingKeyRules } from "@vllm-router/routing-core";
import type { ClientSide } from "../server/exchange.ts";

/** Gives the fields of an object by their names. */
interface Fields {
  get(name: string): JsonValue | undefined;
}

/**
 * What ties a request to a worker: by the operator's rules where there are any, else as in the Rust router.
 * @param of `keys` what the Rust router's way reads of the body, `body` the body itself when it is an object
 */
export function affinityKeyOf(
  exchange: Pick<ClientSide, "header">,
  rules: RoutingKeyRules | undefined,
  of: { readonly keys: Readonly<Record<string, unknown>>; readonly body: Fields | JsonValue | undefined },
): string | undefined {
  const header = (name: string): string | undefined => exchange.header(name);
  return rules === undefined
    ? routingKeyOf({ header, body: of.keys })
    : routingKeyByRules(rules, { header, field: (path) => fieldAt(of.body, path) });
}

/** A field of a JSON object by its path: `metadata.session`. */
function fieldAt(body: Fields | JsonValue | undefined, path: string): JsonValue | undefined {
  const [first = "", ...inner] = path.split(".");
  return inner.reduce<JsonValue | undefined>(
    (value, name) => (value instanceof Map ? value.get(name) : undefined),
    hasFields(body) ? body.get(first) : undefined,
  );
}

function hasFields(body: Fields | JsonValue | undefined): body is Fields {
  return typeof body === "object" && body !== null && "get" in body;
}
