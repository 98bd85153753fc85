import { badRequestError, validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonStr } from "../json/python-text.ts";
import { missingKeyError, notIterableError, notSubscriptableError } from "./python-errors.ts";

const CORRECT_USAGE = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`';

/** `tools` and `tool_choice` fit together; with tools and no choice the choice is `auto`. */
export function checkToolChoice(body: JsonObject): JsonObject {
  const tools = body.get("tools") ?? null;
  if (isJsonArray(tools) && tools.length === 0) {
    throw validationError(
      "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.",
      "tools",
    );
  }
  const given = body.get("tool_choice");
  const choice = given === undefined && isTruthy(tools) ? "auto" : (given ?? null);
  if (choice === null || choice === "none") return body;
  if (tools === null) throw validationError("When using `tool_choice`, `tools` must be set.", "tool_choice");
  if (choice instanceof Map) checkNamedChoice(choice as JsonObject, tools);
  else if (choice !== "auto" && choice !== "required") {
    throw validationError(
      `Invalid value for \`tool_choice\`: ${pythonStr(choice)}! ` +
        'Only named tools, "none", "auto" or "required" are supported.',
      "tool_choice",
    );
  }
  return given === undefined ? new Map(body).set("tool_choice", choice) : body;
}

function checkNamedChoice(choice: JsonObject, tools: JsonValue): void {
  const wanted = choice.get("function") ?? null;
  if (!(wanted instanceof Map)) {
    throw validationError(
      `Invalid value for \`function\`: \`${pythonStr(wanted)}\` in \`tool_choice\`! ${CORRECT_USAGE}`,
      "tool_choice.function",
    );
  }
  const name = (wanted as JsonObject).get("name");
  if (name === undefined) {
    throw validationError(
      `Expected field \`name\` in \`function\` in \`tool_choice\`! ${CORRECT_USAGE}`,
      "tool_choice.function.name",
    );
  }
  if (typeof name !== "string" || name === "") {
    throw validationError(
      `Invalid \`name\` in \`function\`: \`${pythonStr(name)}\` in \`tool_choice\`! ${CORRECT_USAGE}`,
      "tool_choice.function.name",
    );
  }
  for (const tool of loop(tools)) if (member(member(tool, "function"), "name") === name) return;
  throw validationError(
    "The tool specified in `tool_choice` does not match any of the specified `tools`",
    "tool_choice",
  );
}

/** Python's `for … in value`. */
function loop(value: JsonValue): Iterable<JsonValue> {
  if (isJsonArray(value) || typeof value === "string") return value;
  if (value instanceof Map) return (value as JsonObject).keys();
  throw notIterableError(value);
}

/** Python's `value[key]`. */
function member(value: JsonValue, key: string): JsonValue {
  if (value instanceof Map) {
    const found = (value as JsonObject).get(key);
    if (found === undefined) throw missingKeyError(key);
    return found;
  }
  if (typeof value === "string") throw badRequestError("string indices must be integers, not 'str'");
  if (isJsonArray(value)) throw badRequestError("list indices must be integers or slices, not str");
  throw notSubscriptableError(value);
}
