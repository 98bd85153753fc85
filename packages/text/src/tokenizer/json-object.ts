import { TextError } from "../text-error.ts";

/** An object of a parsed JSON file, whose members have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses a file that must hold a JSON object.
 *
 * @throws TextError `tokenizer_invalid` when it does not.
 */
export function parseJsonObject(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TextError("tokenizer_invalid", `${file}: not valid JSON`, { cause });
  }
  if (!isJsonObject(value)) throw new TextError("tokenizer_invalid", `${file}: not a JSON object`);
  return value;
}

/** A member that must be a text. @throws TextError `tokenizer_invalid` */
export function textMember(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== "string") throw invalidMember(name, "a string");
  return value;
}

/** A member that must be a list. @throws TextError `tokenizer_invalid` */
export function listMember(object: JsonObject, name: string): readonly unknown[] {
  const value = object[name];
  if (!Array.isArray(value)) throw invalidMember(name, "an array");
  return value;
}

/** A member that is true, false or absent. */
export function flagMember(object: JsonObject, name: string, absent = false): boolean {
  const value = object[name];
  return typeof value === "boolean" ? value : absent;
}

/** A member that must be an object. @throws TextError `tokenizer_invalid` */
export function objectMember(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isJsonObject(value)) throw invalidMember(name, "an object");
  return value;
}

/** The error for a member of the wrong kind. */
export function invalidMember(name: string, expected: string): TextError {
  return new TextError("tokenizer_invalid", `tokenizer.json: "${name}" is not ${expected}`);
}

/** The error for a component of a kind that this package cannot run exactly. */
export function unsupportedComponent(place: string, type: unknown): TextError {
  return new TextError("tokenizer_unsupported", `tokenizer.json: ${place} of type ${JSON.stringify(type)}`);
}
