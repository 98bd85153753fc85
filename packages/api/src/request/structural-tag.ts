import { parseJson } from "../json/parse-json.ts";
import { hasBrokenPattern, isBrokenPattern } from "./broken-pattern.ts";
import {
  isJsonArray,
  isJsonInteger,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from "../json/json-value.ts";

/**
 * True when a text can be a structural tag: the shapes that xgrammar knows, put together as it allows. Schemas, grammars
 * and regular expressions inside are left to the engine's compiler, but for patterns that are none in any dialect: an engine
 * whose first constraint has one falls back on a compiler that knows no other tags, and stays with it.
 */
export function isStructuralTag(text: string): boolean {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    return false;
  }
  if (!isJsonObject(value)) return false;
  if (value.has("structures")) return isLegacyTag(value);
  const type = value.get("type");
  return (type === undefined || type === "structural_tag") && isFormat(value.get("format"));
}

/** The older form, `structures` and `triggers`, is triggered tags under another name. */
function isLegacyTag(tag: JsonObject): boolean {
  const structures = tag.get("structures");
  if (!isJsonArray(structures)) return false;
  const tags = structures.map((item): JsonValue => {
    if (!isJsonObject(item)) return null;
    const content: JsonObject = new Map<string, JsonValue>([
      ["type", "json_schema"],
      ["json_schema", item.get("schema") ?? null],
    ]);
    return new Map<string, JsonValue>([
      ["type", "tag"],
      ["begin", item.get("begin") ?? null],
      ["content", content],
      ["end", item.get("end") ?? null],
    ]);
  });
  return isTriggeredTags(
    new Map<string, JsonValue>([
      ["triggers", tag.get("triggers") ?? null],
      ["tags", tags],
    ]),
  );
}

type Shape = (format: JsonObject) => boolean;

const SCHEMA_STYLES = new Set<JsonValue | undefined>(
  "json qwen_xml minimax_xml minimax_m3_xml deepseek_xml glm_xml cohere_xml kimi_k3_xml deepseek_v4_1_xml".split(
    " ",
  ),
);

/** Shapes that may leave out their `type`, since their fields tell it. */
const NAMED_BY_FIELDS: Readonly<Record<string, Shape>> = {
  const_string: (format) => typeof format.get("value") === "string",
  json_schema: (format) =>
    isSchema(format) && (!format.has("style") || SCHEMA_STYLES.has(format.get("style"))),
  grammar: (format) => isText(format.get("grammar")),
  regex: (format) => isText(format.get("pattern")) && !isBrokenPattern(format.get("pattern") as string),
  sequence: hasElements,
  or: hasElements,
  tag: isTag,
  triggered_tags: isTriggeredTags,
  token_triggered_tags: (format) => isList(format.get("trigger_tokens"), isToken) && hasTags(format),
  tags_with_separator: (format) => hasTags(format) && typeof format.get("separator") === "string",
};

const SHAPES: Readonly<Record<string, Shape>> = {
  ...NAMED_BY_FIELDS,
  any_text: (format) =>
    isOptionalList(format.get("excludes"), isString) &&
    isLimit(format.get("max_tokens")) &&
    isLimit(format.get("max_chars")),
  qwen_xml_parameter: isSchema,
  optional: hasContent,
  plus: hasContent,
  star: hasContent,
  repeat: isRepeat,
  token: (format) => isToken(format.get("token")),
  exclude_token: (format) => isOptionalList(format.get("exclude_tokens"), isToken),
  any_tokens: (format) =>
    isOptionalList(format.get("exclude_tokens"), isToken) && isLimit(format.get("max_tokens")),
  dispatch: (format) => isList(format.get("rules"), (rule) => isRule(rule, isString)),
  token_dispatch: (format) => isList(format.get("rules"), (rule) => isRule(rule, isToken)),
};

function isFormat(value: JsonValue | undefined): boolean {
  if (!isJsonObject(value)) return false;
  const type = value.get("type");
  if (type === undefined) return Object.values(NAMED_BY_FIELDS).some((shape) => shape(value));
  return typeof type === "string" && Object.hasOwn(SHAPES, type) && (SHAPES[type] as Shape)(value);
}

function isTag(format: JsonObject): boolean {
  const begin = format.get("begin");
  const end = format.get("end");
  const goodBegin = typeof begin === "string" || isTokenFormat(begin);
  const goodEnd = typeof end === "string" || isTokenFormat(end) || isList(end, isString);
  return goodBegin && goodEnd && isFormat(format.get("content"));
}

function hasTags(format: JsonObject): boolean {
  const flags = [format.get("at_least_one") ?? false, format.get("stop_after_first") ?? false];
  if (!flags.every((flag) => typeof flag === "boolean")) return false;
  return isList(
    format.get("tags"),
    (tag) => isJsonObject(tag) && (tag.get("type") ?? "tag") === "tag" && isTag(tag),
  );
}

function isTriggeredTags(format: JsonObject): boolean {
  const triggers = format.get("triggers");
  if (!isList(triggers, isText) || !hasTags(format)) return false;
  // Every tag begins with exactly one of the triggers.
  return (format.get("tags") as readonly JsonObject[]).every((tag) => {
    const begin = tag.get("begin");
    return (
      typeof begin === "string" &&
      (triggers as readonly string[]).filter((one) => begin.startsWith(one)).length === 1
    );
  });
}

function isRepeat(format: JsonObject): boolean {
  const least = format.get("min");
  const most = format.get("max");
  if (!isJsonInteger(least) || !isJsonInteger(most) || least < 0) return false;
  return (most === -1 || (most >= 0 && least <= most)) && hasContent(format);
}

function hasElements(format: JsonObject): boolean {
  return isList(format.get("elements"), isFormat);
}

function hasContent(format: JsonObject): boolean {
  return isFormat(format.get("content"));
}

function isSchema(format: JsonObject): boolean {
  const schema = format.get("json_schema");
  return typeof schema === "boolean" || (isJsonObject(schema) && !hasBrokenPattern(schema));
}

function isTokenFormat(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && (value.get("type") ?? "token") === "token" && isToken(value.get("token"));
}

/** A token id; vLLM checks without a tokenizer, and so refuses tokens given as text. */
function isToken(value: JsonValue | undefined): boolean {
  return isJsonInteger(value) && value >= 0;
}

function isRule(
  value: JsonValue | undefined,
  isPattern: (pattern: JsonValue | undefined) => boolean,
): boolean {
  return isJsonArray(value) && value.length === 2 && isPattern(value[0]) && isFormat(value[1]);
}

function isString(value: JsonValue | undefined): boolean {
  return typeof value === "string";
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value !== "";
}

function isLimit(value: JsonValue | undefined): boolean {
  return (value ?? null) === null || (isJsonInteger(value) && value >= 0 && value <= 2_147_483_647);
}

function isList(value: JsonValue | undefined, isItem: (item: JsonValue | undefined) => boolean): boolean {
  return isJsonArray(value) && value.length > 0 && value.every(isItem);
}

function isOptionalList(
  value: JsonValue | undefined,
  isItem: (item: JsonValue | undefined) => boolean,
): boolean {
  return (value ?? null) === null || (isJsonArray(value) && value.every(isItem));
}
