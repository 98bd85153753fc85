import { decodeJsonAt, parseJson, type DecodedJson } from "../../template/python/parse-json.ts";
import { completeJson } from "./complete-json.ts";

/** A value of JSON that may have been completed. */
export interface PartialJson extends DecodedJson {
  /** Whether nothing had to be completed. */
  readonly isComplete: boolean;
}

/**
 * The JSON value a text holds, completed where it is cut short; where text follows it, the value it begins with.
 *
 * @param keepOpenStrings false cuts a string that is still open instead of closing it
 * @returns the value and where it ends, undefined for what no completion makes JSON
 */
export function loadPartialJson(text: string, keepOpenStrings: boolean): PartialJson | undefined {
  const whole = completeJson(text, keepOpenStrings);
  if (whole === undefined) return undefined;
  const value = parseJson(whole);
  if (value !== undefined) return { value, end: text.length, isComplete: whole === text };
  const decoded = decodeJsonAt(text, 0);
  return decoded && { ...decoded, isComplete: true };
}
