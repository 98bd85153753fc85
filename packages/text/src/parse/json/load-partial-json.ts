import { decodeJsonAt, parseJson, type DecodedJson } from "../../template/python/parse-json.ts";
import { completeJson } from "./complete-json.ts";

/**
 * The JSON value a text holds, completed where it is cut short; where text follows it, the value it begins with.
 *
 * @param keepOpenStrings false cuts a string that is still open instead of closing it
 * @returns the value and where it ends, undefined for what no completion makes JSON
 */
export function loadPartialJson(text: string, keepOpenStrings: boolean): DecodedJson | undefined {
  const whole = completeJson(text, keepOpenStrings);
  if (whole === undefined) return undefined;
  const value = parseJson(whole);
  if (value !== undefined) return { value, end: text.length };
  return decodeJsonAt(text, 0);
}
