import { describe, expect, it } from "vitest";
import { JsonError } from "./json-error.ts";
import { JsonFloat, type JsonObject } from "./json-value.ts";
import { MAX_INTEGER_DIGITS, MAX_JSON_DEPTH, parseJson } from "./parse-json.ts";
import { writeJson } from "./write-json.ts";

describe("parseJson()", () => {
  it("tells floats from integers", () => {
    expect(parseJson("1")).toBe(1);
    expect(parseJson("1.0")).toEqual(new JsonFloat(1));
    expect(parseJson("1e3")).toEqual(new JsonFloat(1000));
    expect(parseJson("-0")).toBe(0);
    expect(Object.is(parseJson("-0"), 0)).toBe(true);
    expect((parseJson("-0.0") as JsonFloat).value).toBe(-0);
  });

  it("keeps integers exact", () => {
    expect(parseJson("9007199254740992")).toBe(9007199254740992);
    expect(parseJson("9007199254740993")).toBe(9007199254740993n);
    expect(parseJson("-123456789012345678901234567890")).toBe(-123456789012345678901234567890n);
  });

  it("reads what only Python reads", () => {
    expect((parseJson("NaN") as JsonFloat).value).toBeNaN();
    expect((parseJson("-Infinity") as JsonFloat).value).toBe(-Infinity);
    expect((parseJson("1e999") as JsonFloat).value).toBe(Infinity);
  });

  it("keeps the order of keys, numeric ones too, and the last of repeated ones", () => {
    const object = parseJson('{"b":1,"2":2,"1":3,"b":4}') as JsonObject;
    expect([...object]).toEqual([
      ["b", 4],
      ["2", 2],
      ["1", 3],
    ]);
  });

  it("reads escapes, pairs and lone surrogates", () => {
    expect(parseJson('"\\u00e9\\n\\/\\"\\ud83d\\ude00\\ud800"')).toBe('é\n/"😀\ud800');
    expect(parseJson('["a\\\\","b"]')).toEqual(["a\\", "b"]);
  });

  it("counts error positions in code points", () => {
    expect(() => parseJson('{"😀":1,}')).toThrow(
      new JsonError("syntax", "Expecting property name enclosed in double quotes", 7),
    );
    expect(catchError('{"😀":1,}').position).toBe(7);
  });

  it("finds control characters inside strings, not between tokens", () => {
    expect(parseJson('{\n\t"a": [1,\r\n 2]}')).toEqual(new Map([["a", [1, 2]]]));
    expect(catchError('{\n"a":"x\ny"}').message).toBe("Invalid control character at");
  });

  it("gives up where Python's stack and integers end", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(writeJson(parseJson(nested(MAX_JSON_DEPTH)))).toBe(nested(MAX_JSON_DEPTH));
    expect(catchError(nested(MAX_JSON_DEPTH + 1)).code).toBe("too-deep");
    expect(parseJson("1".repeat(MAX_INTEGER_DIGITS))).toBe(BigInt("1".repeat(MAX_INTEGER_DIGITS)));
    expect(catchError("1".repeat(MAX_INTEGER_DIGITS + 1)).code).toBe("refused");
  });
});

function catchError(text: string): JsonError {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return error;
  }
  throw new Error("No JsonError");
}
