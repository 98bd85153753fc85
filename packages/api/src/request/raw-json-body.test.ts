import { describe, expect, it } from "vitest";
import { parseRawJsonBody } from "./raw-json-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("parseRawJsonBody", () => {
  it("reads JSON", () => {
    expect(parseRawJsonBody("application/json; charset=utf-8", bytes("[1]"))).toEqual([1]);
  });

  it.each([
    ['{"a":', "JSON decode error: Expecting value: line 1 column 6 (char 5)"],
    ["", "JSON decode error: Expecting value: line 1 column 1 (char 0)"],
    [
      '{\n "😀": 1,\n x}',
      "JSON decode error: Expecting property name enclosed in double quotes: line 3 column 2 (char 12)",
    ],
    ["[1] 2", "JSON decode error: Extra data: line 1 column 5 (char 4)"],
  ])("says where %j is broken, as Python does", (text, message) => {
    expect(() => parseRawJsonBody("application/json", bytes(text))).toThrow(
      expect.objectContaining({ status: 400, type: "Bad Request", param: null, message }),
    );
  });

  it("looks at the content type first", () => {
    expect(() => parseRawJsonBody("text/plain", bytes("{"))).toThrow("Unsupported Media Type");
  });
});
