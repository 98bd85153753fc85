import { badRequestError, validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonTypeName } from "../json/python-text.ts";
import { applyMediaPayloadAlias, checkCacheSalt } from "../request/body-checks.ts";
import type { BodyCheck } from "../request/request-table.ts";
import { freshState, isIssues } from "../validation/validator.ts";
import { shape } from "./shapes.ts";

/** Separates a namespace from the name of one of its tools. */
const NAMESPACE_SEPARATOR = "__";

/** Name under which a model sees a tool of a namespace. */
export function flatToolName(namespace: string, name: string): string {
  return namespace + NAMESPACE_SEPARATOR + name;
}

const NOT_FOUND = "Tool choice 'function' not found in 'tools' parameter.";

function checkTools(body: JsonObject): JsonObject {
  const tools = body.get("tools") ?? null;
  const choice = body.get("tool_choice") ?? (body.has("tool_choice") ? null : "auto");
  const type = choice instanceof Map ? (choice as JsonObject).get("type") : undefined;
  const isNamed = type === "function" || type === "custom";
  if (tools === null || lengthOf(tools) === 0) {
    if (choice === "auto" || choice === "none") return new Map(body).set("tool_choice", "none");
    if (choice === "required") {
      throw validationError(
        "Tool choice 'required' must be specified with 'tools' parameter.",
        "tool_choice",
      );
    }
    if (isNamed) throw validationError(NOT_FOUND, "tool_choice");
    return body;
  }
  if (!isNamed) return body;
  const named = choice as JsonObject;
  const name = named.get("name");
  if (!isTruthy(name)) throw validationError(NOT_FOUND, "tool_choice");
  const resolved = resolveNamed(name as string, tools);
  return resolved === name ? body : new Map(body).set("tool_choice", new Map(named).set("name", resolved));
}

/** Python's `len`. */
function lengthOf(value: JsonValue): number {
  if (isJsonArray(value) || typeof value === "string") return value.length;
  if (value instanceof Map) return value.size;
  throw badRequestError(`object of type '${pythonTypeName(value)}' has no len()`);
}

/** A tool of a namespace may be named without it where that is clear. */
function resolveNamed(name: string, tools: JsonValue): string {
  const exact = new Set<string>();
  const candidates: string[] = [];
  for (const tool of isJsonArray(tools) ? tools : []) {
    const given = member(tool, "name");
    if (member(tool, "type") !== "namespace") {
      if (typeof given === "string") exact.add(given);
      continue;
    }
    const namespaced = member(tool, "tools");
    if (namespaced === undefined || !isJsonArray(namespaced) || typeof given !== "string") return name;
    for (const inner of namespaced) {
      const local = member(inner, "name");
      if (typeof local !== "string") continue;
      exact.add(flatToolName(given, local));
      if (local === name) candidates.push(flatToolName(given, local));
    }
  }
  if (exact.has(name)) return name;
  const [only] = candidates;
  if (only === undefined) throw validationError(NOT_FOUND, "tool_choice");
  if (candidates.length === 1) return only;
  throw validationError(
    `Tool choice '${name}' is ambiguous: it is defined in more than one namespace (${candidates.join(", ")}). ` +
      "Select it by its full '<namespace>__<name>' name.",
    "tool_choice",
  );
}

function member(value: JsonValue, name: string): JsonValue | undefined {
  return value instanceof Map ? (value as JsonObject).get(name) : undefined;
}

function refuseGrammarTools(body: JsonObject): JsonObject {
  const tools = body.get("tools");
  for (const tool of tools !== undefined && isJsonArray(tools) ? tools : []) {
    const format = member(tool, "format");
    if (member(tool, "type") === "custom" && format !== undefined && member(format, "type") === "grammar") {
      throw validationError(
        "Custom tools with a grammar format are not supported; only free-form text custom tools are accepted.",
        "tools",
      );
    }
  }
  return body;
}

/** Completes input items that clients may send without all of their fields. */
function completeInput(body: JsonObject): JsonObject {
  const given = body.get("input");
  // vLLM goes through whatever can be gone through: of an object it takes the keys.
  const input = given instanceof Map ? [...given.keys()] : given;
  if (input === undefined || !isJsonArray(input)) return body;
  return new Map(body).set(
    "input",
    input.map((item) => completeImages(completeItem(item))),
  );
}

/** Ids that are made up for items of the input are never shown. */
const MADE_UP_ID = "_";

function completeItem(item: JsonValue): JsonValue {
  if (!(item instanceof Map)) return item;
  const object = item as JsonObject;
  const type = object.get("type");
  if (type === "reasoning" && !object.has("id")) return new Map(object).set("id", `rs${MADE_UP_ID}`);
  const content = object.get("content");
  if (type !== "message" || object.get("role") !== "assistant" || content === undefined) return item;
  if (!isJsonArray(content)) return item;
  const completed: JsonObject = new Map(object);
  if (!completed.has("id")) completed.set("id", `msg${MADE_UP_ID}`);
  if (!completed.has("status")) completed.set("status", "completed");
  completed.set("content", content.map(completePart));
  return isIssues(shape("ResponseOutputMessage").validate(completed, freshState())) ? item : completed;
}

/** An image in a message has a detail by default. */
function completeImages(item: JsonValue): JsonValue {
  const content = member(item, "content");
  if (content === undefined || !isJsonArray(content)) return item;
  const completed = content.map((part) =>
    member(part, "type") === "input_image" && !(part as JsonObject).has("detail")
      ? new Map(part as JsonObject).set("detail", "auto")
      : part,
  );
  return new Map(item as JsonObject).set("content", completed);
}

function completePart(part: JsonValue): JsonValue {
  if (member(part, "type") !== "output_text" || (part as JsonObject).has("annotations")) return part;
  return new Map(part as JsonObject).set("annotations", []);
}

function refusePrompt(body: JsonObject): JsonObject {
  if ((body.get("prompt") ?? null) !== null) {
    throw validationError("prompt template is not supported", "prompt");
  }
  return body;
}

function checkBackground(body: JsonObject): JsonObject {
  const store = body.get("store") ?? (body.has("store") ? null : true);
  if (isTruthy(body.get("background")) && !isTruthy(store)) {
    throw validationError("background can only be used when `store` is true", "background");
  }
  return body;
}

/** Checks of the raw body, in the order in which they run. */
export const responsesChecks: readonly BodyCheck[] = [
  checkTools,
  refuseGrammarTools,
  completeInput,
  refusePrompt,
  checkBackground,
  checkCacheSalt,
  applyMediaPayloadAlias,
];
