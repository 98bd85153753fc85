import { invalid, type TemplateObject } from "./content-parts.ts";
import type { TemplateValue } from "./template-value.ts";

/** Fields of a function, in the order in which vLLM's request model gives them; the last two only when set. */
const ALWAYS_GIVEN = ["name", "description", "parameters"] as const;
const GIVEN_WHEN_SET = ["strict", "defer_loading"] as const;

/**
 * The tools of a chat request as templates see them: the known fields in vLLM's order, absent ones `null`,
 * unknown ones dropped. Pure; throws `message_invalid` for what is not a tool.
 */
export function normalizeTools(tools: readonly TemplateValue[]): readonly TemplateValue[] {
  return tools.map(normalizeTool);
}

function normalizeTool(value: TemplateValue): TemplateValue {
  const tool = value instanceof Map ? (value as TemplateObject) : undefined;
  const definition = tool?.get("function");
  if (tool === undefined || !(definition instanceof Map)) {
    throw invalid("Each tool must be an object with a function.", "tools");
  }
  const deferred = tool.get("defer_loading") ?? null;
  const result = new Map<string, TemplateValue>([
    ["type", tool.get("type") ?? "function"],
    ["function", normalizeFunction(definition as TemplateObject, deferred)],
  ]);
  if (deferred !== null) result.set("defer_loading", deferred);
  return result;
}

function normalizeFunction(definition: TemplateObject, deferred: TemplateValue): TemplateObject {
  const result = new Map<string, TemplateValue>();
  for (const key of ALWAYS_GIVEN) result.set(key, definition.get(key) ?? null);
  for (const key of GIVEN_WHEN_SET) {
    const value = definition.get(key) ?? (key === "defer_loading" ? deferred : null);
    if (value !== null) result.set(key, value);
  }
  return result;
}
