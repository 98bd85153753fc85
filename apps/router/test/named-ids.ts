const MADE_ID =
  /^(resp_|msg_|rs_|fc_|ctc_|mcp_|ws_|tool_|call_(?:\d+_)?|chatcmpl-tool-|chatcmpl-)[0-9a-f]{16,36}$/;
const MISTRAL_ID = /^[a-zA-Z0-9]{9}$/;
const TIMES = new Set(["created_at", "completed_at", "created"]);
/** What no gRPC engine reports. */
export const UNREPORTED = new Set(["created_cache_tokens", "cache_creation_input_tokens"]);

/** Tells random ids of one answer by their prefix and the order in which they come: what refers to what stays visible. */
export class NamedIds {
  readonly #known = new Map<string, string>();

  /** The value without what chance makes of it. */
  clean(value: unknown, key?: string): unknown {
    if (Array.isArray(value)) return value.map((item) => this.clean(item));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value)
          .filter(([name]) => !UNREPORTED.has(name))
          .map(([name, item]) => [name, this.clean(item, name)]),
      );
    }
    if (key !== undefined && TIMES.has(key) && value !== null) return "*";
    if (key === "signature") return "*";
    if (typeof value !== "string") return value;
    const prefix = MADE_ID.exec(value)?.[1];
    if (prefix !== undefined) return this.#name(value, prefix);
    const isMistral = (key === "id" || key === "call_id") && MISTRAL_ID.test(value);
    return isMistral ? this.#name(value, "mistral") : value;
  }

  #name(value: string, prefix: string): string {
    const known = this.#known.get(value) ?? `${prefix}#${this.#known.size}`;
    this.#known.set(value, known);
    return known;
  }
}
