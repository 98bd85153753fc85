import { dumpJson } from "../template/python/json-dump.ts";
import { floatText } from "../template/python/float-text.ts";
import type { FloatValue, TemplateValue } from "../template/template-value.ts";

type Schema = ReadonlyMap<string, TemplateValue>;

/**
 * A JSON schema as the TypeScript type that gpt-oss was trained to read, to the letter of the Harmony library: what it does
 * not know (references, `anyOf`, `const`) is `any`, and comments stand where it puts them.
 */
export function schemaType(schema: TemplateValue, indent: string): string {
  if (!isSchema(schema)) return "any";
  const variants = listOf(schema, "oneOf");
  if (variants !== undefined) {
    return variants
      .map((variant) => `\n${indent} | ${variantType(variant, indent)}${comments(variant)}`)
      .join("");
  }
  const type = schema.get("type") ?? null;
  if (Array.isArray(type)) {
    const names = (type as readonly TemplateValue[]).filter((name) => typeof name === "string");
    if (names.length > 0) return names.map((name) => (name === "integer" ? "number" : name)).join(" | ");
  }
  switch (type) {
    case "object":
      return objectType(schema, indent);
    case "string":
      return (
        texts(listOf(schema, "enum"))
          .map((text) => `"${text}"`)
          .join(" | ") || "string"
      );
    case "number":
    case "integer":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return schema.has("items") ? `${schemaType(schema.get("items") ?? null, indent)}[]` : "Array<any>";
    default:
      return "any";
  }
}

function objectType(schema: Schema, indent: string): string {
  const description = textOf(schema, "description");
  let type = description === undefined ? "" : `${indent}// ${description}\n`;
  type += "{\n";
  const required = new Set(texts(listOf(schema, "required")));
  const properties = schema.get("properties");
  if (isSchema(properties)) {
    for (const [key, property] of properties) {
      const name = `${indent}${key}${required.has(key) ? "" : "?"}:`;
      type += isSchema(property) ? propertyLines(name, property, indent) : `${name} any,\n`;
    }
  }
  return `${type}${indent}}`;
}

function propertyLines(name: string, property: Schema, indent: string): string {
  const title = textOf(property, "title");
  const description = textOf(property, "description");
  const examples = listOf(property, "examples") ?? [];
  const variants = listOf(property, "oneOf");
  let lines = title === undefined ? "" : `${indent}// ${title}\n${indent}//\n`;
  if (variants === undefined && description !== undefined) lines += `${indent}// ${description}\n`;
  if (examples.length > 0) lines += `${indent}// Examples:\n`;
  for (const example of texts(examples)) lines += `${indent}// - "${example}"\n`;
  if (variants !== undefined) return lines + variantLines(name, { property, variants, indent });
  const type = nullableType(property, schemaType(property, `${indent}    `));
  const byDefault = defaultText(property);
  return `${lines}${name} ${type},${byDefault === undefined ? "" : ` // ${byDefault}`}\n`;
}

/** A property of several kinds: one line for each, with its comment behind it. */
function variantLines(
  name: string,
  options: {
    readonly property: Schema;
    readonly variants: readonly TemplateValue[];
    readonly indent: string;
  },
): string {
  const { property, variants, indent } = options;
  const description = textOf(property, "description");
  const [first] = variants;
  const isSaid =
    description !== undefined && !(isSchema(first) && textOf(first, "description") === description);
  let lines = isSaid ? `${indent}// ${description}\n` : "";
  const byDefault = defaultText(property);
  if (byDefault !== undefined) lines += `${indent}// ${byDefault}\n`;
  lines += `${name}\n`;
  variants.forEach((variant, index) => {
    const unsaid = index === 0 && isSaid ? "all" : description;
    lines += `${indent} | ${variantType(variant, indent)}${comments(variant, unsaid)}\n`;
  });
  return `${lines}${indent},\n`;
}

function variantType(variant: TemplateValue, indent: string): string {
  const type = schemaType(variant, `${indent}   `);
  return isSchema(variant) ? nullableType(variant, type) : type;
}

function nullableType(schema: Schema, type: string): string {
  return schema.get("nullable") === true && !type.includes("null") ? `${type} | null` : type;
}

/** Description and default of a kind, as a comment; `unsaid` is a description that is not said again, or all of them. */
function comments(variant: TemplateValue, unsaid?: string): string {
  if (!isSchema(variant)) return "";
  const description = textOf(variant, "description");
  const parts = [
    description === unsaid || unsaid === "all" ? undefined : description,
    defaultText(variant),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` // ${parts.join(" ")}`;
}

function defaultText(schema: Schema): string | undefined {
  const value = schema.get("default");
  if (value === undefined) return undefined;
  if (typeof value !== "string") return `default: ${plainJson(value)}`;
  return (listOf(schema, "enum") ?? []).length > 0 ? `default: ${value}` : `default: "${value}"`;
}

const COMPACT = { ensureAscii: false, indent: undefined, separators: [",", ":"] as const, sortKeys: false };
const LARGEST_INTEGER = 2n ** 64n;
const SMALLEST_INTEGER = -(2n ** 63n);

/** JSON as Rust's serde prints it. */
function plainJson(value: TemplateValue): string {
  if (Array.isArray(value)) return `[${(value as readonly TemplateValue[]).map(plainJson).join(",")}]`;
  if (value instanceof Map) {
    const entries = [...(value as Schema)].map(
      ([key, item]) => `${dumpJson(key, COMPACT)}:${plainJson(item)}`,
    );
    return `{${entries.join(",")}}`;
  }
  if (typeof value === "bigint" && (value >= LARGEST_INTEGER || value < SMALLEST_INTEGER)) {
    return serdeFloat(Number(value));
  }
  return isFloat(value) ? serdeFloat(value.value) : dumpJson(value, COMPACT);
}

function serdeFloat(value: number): string {
  return floatText(value).replace(/e([-+])0/, "e$1");
}

function isFloat(value: TemplateValue): value is FloatValue {
  return typeof value === "object" && value !== null && "isFloat" in value;
}

function isSchema(value: TemplateValue | undefined): value is Schema {
  return value instanceof Map;
}

function textOf(schema: Schema, key: string): string | undefined {
  const value = schema.get(key);
  return typeof value === "string" ? value : undefined;
}

function listOf(schema: Schema, key: string): readonly TemplateValue[] | undefined {
  const value = schema.get(key);
  return Array.isArray(value) ? (value as readonly TemplateValue[]) : undefined;
}

function texts(values: readonly TemplateValue[] | undefined): string[] {
  return (values ?? []).filter((value) => typeof value === "string");
}
