import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import {
  constantFormat,
  orFormat,
  patternFormat,
  schemaFormat,
  type TagFormat,
  tagFormat,
  triggeredFormat,
} from "./tag-format.ts";

type Fields = ReadonlyMap<string, TemplateValue>;

/**
 * A request's `structured_outputs` as a part of a structural tag, so that an answer may follow it or be a call.
 * @returns undefined where it constrains nothing that can be read
 */
export function constraintFormat(constraint: Fields): TagFormat | undefined {
  if (constraint.get("json_object") === true) return schemaFormat(new Map([["type", "object"]]));
  const json = constraint.get("json") ?? null;
  if (json !== null) {
    const schema = typeof json === "string" ? parseJson(json) : json;
    return schema === undefined ? undefined : schemaFormat(schema);
  }
  const regex = constraint.get("regex");
  if (typeof regex === "string") return patternFormat(regex);
  const choice = constraint.get("choice");
  if (Array.isArray(choice)) return orFormat(choice.map((one) => constantFormat(String(one))));
  const grammar = constraint.get("grammar");
  if (typeof grammar === "string")
    return new Map([
      ["type", "grammar"],
      ["grammar", grammar],
    ]);
  const tag = constraint.get("structural_tag");
  return typeof tag === "string" ? tagContent(parseJson(tag)) : undefined;
}

function tagContent(tag: TemplateValue | undefined): TagFormat | undefined {
  if (!(tag instanceof Map)) return undefined;
  const fields = tag as Fields;
  const structures = fields.get("structures");
  const format = fields.get("format");
  if (!Array.isArray(structures)) return format instanceof Map ? (format as TagFormat) : undefined;
  const tags = (structures as readonly TemplateValue[]).map((structure) => {
    const part = structure as Fields;
    return tagFormat(
      textOf(part.get("begin")),
      schemaFormat(part.get("schema") ?? true),
      textOf(part.get("end")),
    );
  });
  const triggers = fields.get("triggers");
  const built = new Map(triggeredFormat("", tags, { atLeastOne: false, excludes: [] }));
  return built.set("triggers", triggers ?? []);
}

function textOf(value: TemplateValue | undefined): string {
  return typeof value === "string" ? value : "";
}
