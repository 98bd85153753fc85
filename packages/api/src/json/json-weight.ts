import { JsonFloat, type JsonValue } from "./json-value.ts";

const STRING = 32;
const LARGE_NUMBER = 48;
const ARRAY = 48;
const OBJECT = 256;
const MEMBER = 48;
const ELEMENT = 8;

/**
 * The bytes of memory that a parsed value takes beside the letters of its strings: the reckoning of a 64-bit V8, rather too
 * high than too low.
 */
export function jsonWeight(value: JsonValue): number {
  if (typeof value === "string") return STRING;
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? LARGE_NUMBER : 16;
  if (value instanceof JsonFloat) return LARGE_NUMBER;
  let weight = 0;
  if (value instanceof Map) {
    for (const member of value.values()) weight += MEMBER + jsonWeight(member);
    return OBJECT + weight;
  }
  for (const element of value) weight += ELEMENT + jsonWeight(element);
  return ARRAY + weight;
}
