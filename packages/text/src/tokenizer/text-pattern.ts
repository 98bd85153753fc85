import { isJsonObject, invalidMember } from "./json-object.ts";
import { literalPattern, translatePattern } from "./pattern-translation.ts";

/**
 * A `pattern` member of `tokenizer.json`: `{"String": …}` or `{"Regex": …}`, with the flag `g`.
 *
 * @throws TextError `tokenizer_invalid`, `tokenizer_unsupported`
 */
export function compilePattern(pattern: unknown): RegExp {
  if (isJsonObject(pattern)) {
    const { String: text, Regex: expression } = pattern;
    if (typeof text === "string") return literalPattern(text);
    if (typeof expression === "string") return translatePattern(expression);
  }
  throw invalidMember("pattern", "a String or Regex object");
}
