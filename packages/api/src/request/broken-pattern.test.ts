import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { hasBrokenPattern, isBrokenPattern } from "./broken-pattern.ts";

describe("isBrokenPattern()", () => {
  it.each(["(", "a)", "[a", "[a\\]", "(a|(b)", "a\\"])("%s", (pattern) => {
    expect(isBrokenPattern(pattern)).toBe(true);
  });

  it.each(["", "(a)", "\\(", "[(]", "[\\]]", "(?:a|[)b])\\)", "{", "a{2"])("not %s", (pattern) => {
    expect(isBrokenPattern(pattern)).toBe(false);
  });
});

describe("hasBrokenPattern()", () => {
  it.each([
    '{"type":"string","pattern":"("}',
    '{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":"string","pattern":"["}]}}}',
  ])("%s", (schema) => {
    expect(hasBrokenPattern(parseJson(schema))).toBe(true);
  });

  it.each([
    '{"type":"string","pattern":"()"}',
    '{"type":"integer","pattern":"("}',
    '{"type":"string","pattern":"(","enum":["a"]}',
    '{"$defs":{"unused":{"type":"string","pattern":"("}}}',
    '{"enum":[{"type":"string","pattern":"("}]}',
    '{"properties":{"pattern":{"type":"string"}}}',
    "true",
  ])("not %s", (schema) => {
    expect(hasBrokenPattern(parseJson(schema))).toBe(false);
  });
});
