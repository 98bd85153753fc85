import type { TemplateValue } from "../../template/template-value.ts";
import { argumentsText, isJsonMap } from "./json-value.ts";

/** Arguments of the last call of a list as vLLM expects them to have been told by the end. */
export function lastArguments(calls: readonly TemplateValue[]): string {
  const last = calls.at(-1);
  if (!isJsonMap(last)) return "";
  const given = last.get("arguments");
  if (given === undefined) return "{}";
  return typeof given === "string" ? given : argumentsText(given);
}
