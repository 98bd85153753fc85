import { type ApiError, requestValidationError } from "../api-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { pythonRepr, pythonStr, pythonTypeName } from "../json/python-text.ts";
import type { Issue, Issues } from "./issue.ts";

const MAX_REPORTED = 10;
const MAX_INPUT_CHARACTERS = 200;
const MAX_ISSUE_CHARACTERS = 1000;
const BRACKETS = /[[\]{}()]/;
const INTERNAL_SEGMENTS = new Set(
  (
    "function-wrap function-after function-before function-plain json-or-python lax-or-strict chain default nullable " +
    "tagged-union union call arguments is-instance is-subclass callable str int float bool bytes bytearray list tuple " +
    "dict set frozenset complex none nonetype"
  ).split(" "),
);

/** The 400 that vLLM answers with when the fields of a body have the wrong types. */
export function issuesError(issues: Issues): ApiError {
  const { list } = issues;
  const label = list.length === 1 ? "error" : "errors";
  let message = `${list.length} validation ${label}:\n`;
  for (const issue of list.slice(0, MAX_REPORTED)) message += `  ${issueText(issue)}\n`;
  if (list.length > MAX_REPORTED) message += `  ...and ${list.length - MAX_REPORTED} more ${label}\n`;
  const [first] = list;
  return requestValidationError(message.trimEnd(), first === undefined ? null : locationText(first));
}

/** A JSON error as FastAPI reports it: a finding at the character where Python's decoder stopped. */
export function jsonSyntaxError(message: string, position: number): ApiError {
  const detail: JsonObject = new Map<string, JsonValue>([
    ["type", "json_invalid"],
    ["loc", `body.${position}`],
    ["msg", "JSON decode error"],
    ["input", "<dict of 0 items>"],
    ["ctx", new Map<string, JsonValue>([["error", message]])],
  ]);
  return requestValidationError(`1 validation error:\n  ${pythonRepr(detail)}`, `body.${position}`);
}

/** Python's `repr` of pydantic's error dictionary, shortened as vLLM does. */
function issueText(issue: Issue): string {
  const detail: JsonObject = new Map<string, JsonValue>([
    ["type", issue.type],
    ["loc", locationText(issue)],
    ["msg", issue.message],
    ["input", inputSummary(issue.input)],
  ]);
  if (issue.context !== undefined) detail.set("ctx", issue.context);
  const text = pythonRepr(detail);
  return shorten(issue.raised === undefined ? text : withError(text, issue.raised), MAX_ISSUE_CHARACTERS);
}

/** Adds the exception that pydantic keeps under `ctx`, as Python prints it. */
function withError(text: string, message: string): string {
  return `${text.slice(0, -1)}, 'ctx': {'error': ValueError(${pythonRepr(message)})}}`;
}

/** Dotted place in the body, without the names pydantic uses internally. */
function locationText(issue: Issue): string {
  const segments = ["body", ...issue.reversedPath.toReversed().map(String)];
  return segments
    .filter((segment) => !BRACKETS.test(segment) && !INTERNAL_SEGMENTS.has(segment.toLowerCase()))
    .join(".");
}

function inputSummary(input: JsonValue): string {
  if (typeof input === "string") return shorten(input, MAX_INPUT_CHARACTERS);
  if (Array.isArray(input)) return `<list of ${input.length} items>`;
  if (input instanceof Map) return `<dict of ${input.size} items>`;
  return shorten(pythonStr(input), MAX_INPUT_CHARACTERS);
}

function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, limit).join("")}...[truncated]`;
}

/** The text of pydantic's `ValidationError` itself, which reaches clients where a list is read late. */
export function validationErrorText(title: string, issues: Issues): string {
  const { list } = issues;
  let text = `${list.length} validation error${list.length === 1 ? "" : "s"} for ${title}`;
  for (const issue of list) {
    const place = issue.reversedPath.toReversed().join(".");
    const value = shortRepr(issue.input);
    text +=
      `\n${place}\n  ${issue.message} [type=${issue.type}, input_value=${value}, input_type=${pythonTypeName(issue.input)}]` +
      `\n    For further information visit https://errors.pydantic.dev/2.14/v/${issue.type}`;
  }
  return text;
}

/** The beginning and the end of a value's `repr`, 50 bytes of UTF-8 together, never half a character. */
function shortRepr(input: JsonValue): string {
  const text = input instanceof JsonFloat ? pythonStr(input) : pythonRepr(input);
  const characters = [...text];
  if (byteLength(characters) <= 50) return text;
  return `${takeBytes(characters, 25).join("")}...${takeBytes(characters.toReversed(), 24).toReversed().join("")}`;
}

function takeBytes(characters: readonly string[], limit: number): readonly string[] {
  let end = 0;
  let size = 0;
  while (end < characters.length && size + byteLength([characters[end] as string]) <= limit) {
    size += byteLength([characters[end] as string]);
    end++;
  }
  return characters.slice(0, end);
}

function byteLength(characters: readonly string[]): number {
  let length = 0;
  for (const character of characters) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

/** A parameter of the query that is no integer. */
export function queryIntegerError(name: string, text: string): ApiError {
  const message = "Input should be a valid integer, unable to parse string as an integer";
  return queryError({ name, text, type: "int_parsing", message });
}

/** A parameter of the query that is no boolean. */
export function queryBooleanError(name: string, text: string): ApiError {
  const message = "Input should be a valid boolean, unable to interpret input";
  return queryError({ name, text, type: "bool_parsing", message });
}

function queryError(found: Readonly<Record<"name" | "text" | "type" | "message", string>>): ApiError {
  const place = `query.${found.name}`;
  const detail: JsonObject = new Map<string, JsonValue>([
    ["type", found.type],
    ["loc", place],
    ["msg", found.message],
    ["input", inputSummary(found.text)],
  ]);
  return requestValidationError(`1 validation error:\n  ${pythonRepr(detail)}`, place);
}
