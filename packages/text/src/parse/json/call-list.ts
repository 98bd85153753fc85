import type { TemplateValue } from "../../template/template-value.ts";
import type { ParsedToolCall } from "../output-parser.ts";
import { argumentsText, isJsonList, isJsonMap } from "./json-value.ts";

/**
 * The calls of a JSON list; entries without a name or arguments are passed over.
 * @returns undefined where it is no list, or a name or arguments are of a kind a call cannot have
 */
export function readCallList(
  value: TemplateValue | undefined,
  makeId: (index: number) => string,
): ParsedToolCall[] | undefined {
  if (!isJsonList(value)) return undefined;
  const calls: ParsedToolCall[] = [];
  for (const [index, entry] of value.entries()) {
    if (!isJsonMap(entry) || !entry.has("name") || !entry.has("arguments")) continue;
    const name = entry.get("name");
    const given = entry.get("arguments");
    const text = isJsonMap(given) ? argumentsText(given) : given;
    if (typeof name !== "string" || typeof text !== "string") return undefined;
    calls.push({ id: makeId(index), name, arguments: text });
  }
  return calls;
}
