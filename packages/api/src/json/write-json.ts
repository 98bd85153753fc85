import { JsonFloat, type JsonValue } from "./json-value.ts";
import { pythonFloat } from "./number-text.ts";
import { quoteAscii, quoteJson } from "./string-text.ts";

/** How {@link writeJson} prints. */
export interface WriteJsonOptions {
  /** `", "` and `": "` between items, as Python's `json.dumps` does by default; otherwise nothing. */
  readonly spaced?: boolean;
  /** Only printable ASCII (`ensure_ascii`), the default of `json.dumps`. */
  readonly ascii?: boolean;
}

/**
 * Prints a value as Python's `json.dumps` does: floats in Python's notation, `NaN` and `Infinity` as they are.
 * Default: compact, not limited to ASCII, which is how vLLM's HTTP bodies look.
 */
export function writeJson(value: JsonValue, options: WriteJsonOptions = {}): string {
  const comma = options.spaced === true ? ", " : ",";
  const colon = options.spaced === true ? ": " : ":";
  const quote = options.ascii === true ? quoteAscii : quoteJson;
  const write = (item: JsonValue): string => {
    if (item === null) return "null";
    switch (typeof item) {
      case "string":
        return quote(item);
      case "number":
      case "bigint":
      case "boolean":
        return String(item);
      default:
    }
    if (item instanceof JsonFloat) return jsonFloat(item.value);
    if (item instanceof Map) {
      let text = "{";
      for (const [key, member] of item) {
        if (text.length > 1) text += comma;
        text += quote(key) + colon + write(member);
      }
      return `${text}}`;
    }
    let text = "[";
    for (const member of item) {
      if (text.length > 1) text += comma;
      text += write(member);
    }
    return `${text}]`;
  };
  return write(value);
}

/** A float as `json.dumps` prints it. */
export function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return pythonFloat(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
