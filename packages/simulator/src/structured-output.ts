import { sampleJson } from "./json-sample.ts";
import { isJsonObject } from "./model-files.ts";
import { refuse, type Sampling } from "./sampling.ts";
import { tagFormatText } from "./tag-format-text.ts";

/**
 * The texts that a constraint allows, of which a sequence writes one; `undefined` without a constraint. A JSON schema
 * allows one small document here; regular expressions and grammars are refused.
 * @throws GrpcStatusError INVALID_ARGUMENT
 */
export function constraintTexts(constraint: Sampling["constraint"]): readonly string[] | undefined {
  switch (constraint?.$case) {
    case undefined:
      return undefined;
    case "choice":
      if (constraint.value.choices.length === 0) refuse("Choice '[]' cannot be an empty list");
      return constraint.value.choices;
    case "jsonSchema":
      return [jsonForSchema(constraint.value)];
    case "jsonObject":
      if (constraint.value) return ["{}"];
      return refuse(
        "structured_outputs.json_object must be True if set; omit structured_outputs to disable structured outputs",
      );
    case "structuralTag":
      return [structuralTagText(constraint.value)];
    case "regex":
    case "grammar":
      return refuse(`the simulator does not support structured outputs of kind ${constraint.$case}`);
  }
}

function jsonForSchema(schemaText: string): string {
  if (schemaText.trim() === "") refuse("structured_outputs.json cannot be an empty string");
  const schema = parse(schemaText) ?? refuse("Invalid JSON grammar specification.");
  return JSON.stringify(sampleJson(schema));
}

function structuralTagText(tagText: string): string {
  if (tagText.trim() === "") refuse("structured_outputs.structural_tag cannot be an empty string");
  const tag = parse(tagText);
  const format = isJsonObject(tag) ? tag["format"] : undefined;
  return tagFormatText(format);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
