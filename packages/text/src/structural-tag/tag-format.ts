import type { TemplateValue } from "../template/template-value.ts";

/** A part of a structural tag, as xgrammar reads it from JSON. */
export type TagFormat = ReadonlyMap<string, TemplateValue>;

function format(type: string, members: readonly (readonly [string, TemplateValue])[]): TagFormat {
  return new Map<string, TemplateValue>([["type", type], ...members]);
}

/** How arguments are written: JSON, or the parameters of a family's markup. */
export type SchemaStyle = "json" | "qwen_xml" | "minimax_xml" | "glm_xml";

/** Text that follows a JSON schema; `true` allows any value. */
export function schemaFormat(schema: TemplateValue, style: SchemaStyle = "json"): TagFormat {
  return format("json_schema", [
    ["json_schema", schema],
    ["style", style],
    ["any_order", false],
    ["max_whitespace_cnt", null],
    ["excludes", []],
  ]);
}

/** One text. */
export function constantFormat(value: string): TagFormat {
  return format("const_string", [["value", value]]);
}

/** Text that matches a regular expression. */
export function patternFormat(pattern: string): TagFormat {
  return format("regex", [["pattern", pattern]]);
}

/** Any text without the given ones. */
export function anyTextFormat(excludes: readonly string[]): TagFormat {
  return format("any_text", [
    ["excludes", excludes],
    ["max_tokens", null],
    ["max_chars", null],
  ]);
}

/** Formats one behind the other. */
export function sequenceFormat(elements: readonly TagFormat[]): TagFormat {
  return format("sequence", [["elements", elements]]);
}

/** One of several formats. */
export function orFormat(elements: readonly TagFormat[]): TagFormat {
  return format("or", [["elements", elements]]);
}

/** A format any number of times. */
export function starFormat(content: TagFormat): TagFormat {
  return format("star", [["content", content]]);
}

/** A format, or nothing. */
export function optionalFormat(content: TagFormat): TagFormat {
  return format("optional", [["content", content]]);
}

/** Something between two texts, of which the second may be one of several. */
export function tagFormat(begin: string, content: TagFormat, end: string | readonly string[]): TagFormat {
  return format("tag", [
    ["begin", begin],
    ["content", content],
    ["end", end],
  ]);
}

/** Tags one behind the other. */
export function listFormat(
  tags: readonly TagFormat[],
  separator: string,
  stopAfterFirst: boolean,
): TagFormat {
  return format("tags_with_separator", [
    ["tags", tags],
    ["separator", separator],
    ["at_least_one", true],
    ["stop_after_first", stopAfterFirst],
  ]);
}

/** How {@link triggeredFormat} goes on beside its tags. */
export interface TriggerOptions {
  readonly atLeastOne: boolean;
  readonly excludes: readonly string[];
}

/** Free text in which tags begin at their triggers. */
export function triggeredFormat(
  trigger: string,
  tags: readonly TagFormat[],
  options: TriggerOptions,
): TagFormat {
  return format("triggered_tags", [
    ["triggers", [trigger]],
    ["tags", tags],
    ["at_least_one", options.atLeastOne],
    ["stop_after_first", false],
    ["excludes", options.excludes],
  ]);
}

/** The same with every list of calls ending after its first. */
export function limitedToOneCall(value: TemplateValue): TemplateValue {
  if (Array.isArray(value)) return (value as readonly TemplateValue[]).map(limitedToOneCall);
  if (!(value instanceof Map)) return value;
  const members = value as TagFormat;
  const type = members.get("type");
  const isList = type === "triggered_tags" || type === "tags_with_separator";
  return new Map(
    [...members].map(([key, member]): [string, TemplateValue] => {
      if (isList && key === "stop_after_first") return [key, true];
      // A schema is the client's, whatever its members are called.
      return [key, key === "json_schema" ? member : limitedToOneCall(member)];
    }),
  );
}
