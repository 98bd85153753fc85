import { describe, expect, it } from "vitest";
import { parseJson } from "./parse-json.ts";
import { codePointLength, isTruthy, pythonRepr, pythonStr, pythonTypeName } from "./python-text.ts";
import { quoteAscii, quoteJson } from "./string-text.ts";
import { writeJson } from "./write-json.ts";

const awkward = 'a\u0000\u001f\u007f\u2028é😀"\\/\b\f\n\r\t';

describe("JSON text", () => {
  it("escapes as vLLM's bodies do", () => {
    expect(quoteJson(awkward)).toBe('"a\\u0000\\u001f\u007f\u2028é😀\\"\\\\/\\b\\f\\n\\r\\t"');
    expect(quoteJson("plain é")).toBe('"plain é"');
    expect(quoteJson("\ud800")).toBe('"\\ud800"');
  });

  it("escapes as json.dumps does by default", () => {
    expect(quoteAscii("a\u007fé😀")).toBe('"a\\u007f\\u00e9\\ud83d\\ude00"');
  });

  it("prints compact or spaced", () => {
    const value = parseJson('{"a":[1,1.0,true,null,"é"],"b":{"2":1e5}}');
    expect(writeJson(value)).toBe('{"a":[1,1.0,true,null,"é"],"b":{"2":100000.0}}');
    expect(writeJson(value, { spaced: true, ascii: true })).toBe(
      '{"a": [1, 1.0, true, null, "\\u00e9"], "b": {"2": 100000.0}}',
    );
  });
});

describe("Python text", () => {
  it("prints repr", () => {
    const value = parseJson('{"a":[null,true,false,1,1.0,"x"],"it\'s":"\\"q\\"","n":NaN}');
    expect(pythonRepr(value)).toBe(`{'a': [None, True, False, 1, 1.0, 'x'], "it's": '"q"', 'n': nan}`);
    expect(pythonRepr("a'b\"c\\\n\t\u0001\u007f\u00a0\u00ad\u200b\u2028é😀\ud800")).toBe(
      "'a\\'b\"c\\\\\\n\\t\\x01\\x7f\\xa0\\xad\\u200b\\u2028é😀\\ud800'",
    );
  });

  it("prints str", () => {
    expect(["x", null, true, 5, 10n ** 20n].map(pythonStr)).toEqual([
      "x",
      "None",
      "True",
      "5",
      "100000000000000000000",
    ]);
    expect(pythonStr(["x"])).toBe("['x']");
  });

  it("names types", () => {
    const values = parseJson('["",1,1.0,true,null,[],{}]') as never[];
    expect(values.map(pythonTypeName)).toEqual(["str", "int", "float", "bool", "NoneType", "list", "dict"]);
  });

  it("knows what is true", () => {
    const values = parseJson('["",0,0.0,false,null,[],{},"a",1,0.5,[0],{"a":0},NaN]') as never[];
    expect(values.map(isTruthy)).toEqual(values.map((_, index) => index >= 7));
    expect(isTruthy(undefined)).toBe(false);
  });

  it("counts code points", () => {
    expect(codePointLength("a😀é\ud800")).toBe(4);
  });
});
