import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";
import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import type { DeclaredTool } from "./output-parser.ts";
import { coerceText, isFields, isFloat, type JsonFields, typesOfSchema } from "./schema-types.ts";

/** Schemas of a tool's arguments by name; empty where there are none. */
export function propertiesOf(tools: readonly DeclaredTool[], name: string): JsonFields {
  const parameters = tools.find((tool) => tool.name === name)?.parameters;
  const properties = isFields(parameters) ? parameters.get("properties") : undefined;
  return isFields(properties) ? properties : new Map();
}

/** Arguments as JSON text with every value of the type its schema wants; unchanged where they are no JSON object. */
export function typedArguments(text: string, properties: JsonFields): string {
  if (properties.size === 0) return text;
  const parsed = parseJson(text);
  if (!isFields(parsed)) return text;
  const typed = typedFields(parsed, properties);
  return typed === parsed ? text : dumpJson(typed, PLAIN_JSON);
}

/** The same object where nothing changes. */
function typedFields(fields: JsonFields, properties: JsonFields): JsonFields {
  let result: Map<string, TemplateValue> | undefined;
  for (const [key, value] of fields) {
    const schema = properties.get(key);
    if (!isFields(schema)) continue;
    const typed = typedValue(value, schema);
    if (typed !== value) (result ??= new Map(fields)).set(key, typed);
  }
  return result ?? fields;
}

/** The same value where nothing changes. */
function typedValue(value: TemplateValue, schema: JsonFields): TemplateValue {
  if (typeof value === "string") return coerceText(value, typesOfSchema(schema));
  if (isFields(value)) {
    const properties = schema.get("properties");
    return isFields(properties) ? typedFields(value, properties) : value;
  }
  if (Array.isArray(value)) {
    const items = schema.get("items");
    const list = value as readonly TemplateValue[];
    if (!isFields(items)) return value;
    const typed = list.map((item) => typedValue(item, items));
    return typed.some((item, index) => item !== list[index]) ? typed : value;
  }
  const typed = coerceText(dumpJson(value, PLAIN_JSON), typesOfSchema(schema));
  return isSameScalar(typed, value) ? value : typed;
}

function isSameScalar(left: TemplateValue, right: TemplateValue): boolean {
  if (left !== null && right !== null && typeof left === "object" && typeof right === "object") {
    return isFloat(left) && isFloat(right) && left.value === right.value;
  }
  return left === right;
}
