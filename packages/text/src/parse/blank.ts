import { strip } from "../template/python/whitespace.ts";

/** True for text that is empty or nothing but white space, as Python counts it. */
export function isBlank(text: string): boolean {
  return strip(text, "both") === "";
}
