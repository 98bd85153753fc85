import { sampleJson } from "./json-sample.ts";
import { isJsonObject, type JsonObject } from "./model-files.ts";
import { refuse } from "./sampling.ts";

const MAX_DEPTH = 32;

/**
 * One text that a format of a structural tag allows: the first call where there must be one, the last alternative, as little
 * free text as possible.
 * @throws GrpcStatusError INVALID_ARGUMENT for a format it does not know
 */
export function tagFormatText(format: unknown, depth = 0): string {
  if (!isJsonObject(format) || depth > MAX_DEPTH) return unknown(format);
  const inner = (part: unknown): string => tagFormatText(part, depth + 1);
  switch (format["type"]) {
    case "const_string":
      return textOf(format["value"], format);
    case "json_schema":
      if (format["style"] !== undefined && format["style"] !== "json") return "";
      return JSON.stringify(sampleJson(format["json_schema"]));
    case "tag":
      return textOf(format["begin"], format) + inner(format["content"]) + textOf(format["end"], format);
    case "sequence":
      return listOf(format, "elements").map(inner).join("");
    case "or":
      return inner(listOf(format, "elements").at(-1));
    case "tags_with_separator":
      return format["at_least_one"] === true ? inner(listOf(format, "tags")[0]) : "";
    case "triggered_tags":
      return format["at_least_one"] === true ? inner(listOf(format, "tags")[0]) : "";
    case "any_text":
    case "star":
      return "";
    case "regex":
      return format["pattern"] === "\\d+" ? "0" : unknown(format);
    default:
      return unknown(format);
  }
}

function textOf(value: unknown, format: JsonObject): string {
  return typeof value === "string" ? value : unknown(format);
}

function listOf(format: JsonObject, member: string): readonly unknown[] {
  const list: unknown = format[member];
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}

function unknown(format: unknown): never {
  const type = isJsonObject(format) ? String(format["type"]) : typeof format;
  return refuse(`the simulator does not support structural tags of format ${type}`);
}
