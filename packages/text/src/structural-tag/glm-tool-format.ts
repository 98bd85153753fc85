import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";
import type { TemplateValue } from "../template/template-value.ts";
import {
  anyTextFormat,
  constantFormat,
  orFormat,
  schemaFormat,
  sequenceFormat,
  starFormat,
  type TagFormat,
  tagFormat,
} from "./tag-format.ts";
import type { TaggedTool } from "./tagged-tool.ts";

type Fields = ReadonlyMap<string, TemplateValue>;

const MARKS = [
  "<think>",
  "</think>",
  "<tool_call>",
  "</tool_call>",
  "<arg_key>",
  "</arg_key>",
  "<arg_value>",
  "</arg_value>",
];

/** Keywords of a schema whose properties alone do not say what an object may hold. */
const COMPOSED = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"];

/** True where every tool is strict, and there is one. */
export function isWhollyStrict(tools: readonly TaggedTool[]): boolean {
  return tools.length > 0 && tools.every((tool) => tool.strict);
}

/** The tag of one GLM tool: by its schema where it is strict, else its keys with values of their plain types. */
export function glmToolFormat(tool: TaggedTool): TagFormat {
  return tagFormat(`<tool_call>${tool.name}`, contentOf(tool), "</tool_call>");
}

function contentOf(tool: TaggedTool): TagFormat {
  if (tool.strict) return schemaFormat(tool.parameters ?? true, "glm_xml");
  const properties = plainProperties(tool.parameters);
  if (properties === undefined) return schemaFormat(true, "glm_xml");
  const pairs = [...properties].map(([key, schema]) =>
    sequenceFormat([
      constantFormat(`<arg_key>${key}</arg_key><arg_value>`),
      valueFormat(schema instanceof Map ? (schema as Fields) : new Map()),
      constantFormat("</arg_value>"),
    ]),
  );
  return starFormat(oneOf(pairs));
}

function plainProperties(parameters: TemplateValue | undefined): Fields | undefined {
  if (!(parameters instanceof Map)) return undefined;
  const fields = parameters as Fields;
  const properties = fields.get("properties");
  if (!(properties instanceof Map) || properties.size === 0) return undefined;
  if (fields.get("additionalProperties") === true || COMPOSED.some((key) => fields.has(key)))
    return undefined;
  return properties as Fields;
}

function valueFormat(schema: Fields): TagFormat {
  const choices = schema.get("enum");
  if (Array.isArray(choices)) {
    return oneOf((choices as readonly TemplateValue[]).map((choice) => constantFormat(textOf(choice))));
  }
  const type = schema.get("type");
  if (Array.isArray(type)) {
    const types = type as readonly TemplateValue[];
    const formats = types
      .filter((name) => name !== "string")
      .map((name) => valueFormat(new Map([["type", name]])));
    return oneOf(types.includes("string") ? [...formats, anyTextFormat(MARKS)] : formats);
  }
  if (type === undefined || type === null || type === "string") return anyTextFormat(MARKS);
  return schemaFormat(new Map([["type", type]]));
}

function textOf(value: TemplateValue): string {
  // vLLM prints these with ASCII alone.
  return typeof value === "string" ? value : dumpJson(value, { ...PLAIN_JSON, ensureAscii: true });
}

function oneOf(formats: readonly TagFormat[]): TagFormat {
  const [only] = formats;
  return formats.length === 1 && only !== undefined ? only : orFormat(formats);
}
