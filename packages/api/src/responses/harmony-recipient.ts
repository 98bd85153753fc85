import { isJsonArray, type JsonObject } from "../json/json-value.ts";
import { flatToolName } from "./responses-checks.ts";

const FUNCTIONS = "functions.";

/** Tools the models were trained with, by the names they call them, with their names as servers. */
export const TRAINED_TOOLS: ReadonlyMap<string, string> = new Map([
  ["python", "code_interpreter"],
  ["browser", "web_search_preview"],
  ["container", "container"],
]);

/** Names of the functions of a request, those of namespaces with their namespace. */
export function functionNames(tools: readonly JsonObject[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const tool of tools) {
    const name = tool.get("name") as string;
    if (tool.get("type") === "function") names.add(name);
    const inner = tool.get("type") === "namespace" ? tool.get("tools") : undefined;
    for (const own of inner !== undefined && inner !== null && isJsonArray(inner) ? inner : []) {
      const fields = own as JsonObject;
      if (fields.get("type") === "function") names.add(flatToolName(name, fields.get("name") as string));
    }
  }
  return names;
}

/** True where a message to this recipient calls a function: by its prefix, or by the name of a declared one. */
export function isFunctionRecipient(recipient: string, declared: ReadonlySet<string>): boolean {
  if (recipient.startsWith(FUNCTIONS)) return recipient.length > FUNCTIONS.length;
  return !TRAINED_TOOLS.has(recipient.split(".", 1)[0] ?? "") && declared.has(recipient);
}

/** The function's name. */
export function functionOf(recipient: string): string {
  return recipient.startsWith(FUNCTIONS) ? recipient.slice(FUNCTIONS.length) : recipient;
}
