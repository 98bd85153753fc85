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

  it.each([
    [[0x22, 0xe2, 0x22], "byte 0xe2 in position 1: invalid continuation byte"],
    [[0x22, 0xff], "byte 0xff in position 1: invalid start byte"],
    [[0x22, 0xc0, 0x80], "byte 0xc0 in position 1: invalid start byte"],
    [[0x22, 0xe2, 0x82], "bytes in position 1-2: unexpected end of data"],
    [[0x22, 0xf0, 0x9f, 0x98, 0x22], "bytes in position 1-3: invalid continuation byte"],
    [[0x22, 0xf4, 0x90, 0x80, 0x80], "byte 0xf4 in position 1: invalid continuation byte"],
    [[0x22, 0xed, 0xa0, 0x80, 0xed, 0xa0, 0x22], "byte 0xed in position 4: invalid continuation byte"],
    [[0x22, 0xed], "byte 0xed in position 1: unexpected end of data"],
    [[0xef, 0xbb, 0xbf, 0x22, 0xff], "byte 0xff in position 1: invalid start byte"],
  ])("says which bytes of %j are no text, as Python does", (body, message) => {
    expect(() => parseRawJsonBody("application/json", Uint8Array.from(body))).toThrow(
      expect.objectContaining({
        status: 400,
        type: "BadRequestError",
        message: `'utf-8' codec can't decode ${message}`,
      }),
    );
  });

  it("tells of integers that are too long", () => {
    expect(() => parseRawJsonBody("application/json", bytes("1".repeat(5000)))).toThrow(
      "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit",
    );
  });

  it("looks at the content type first", () => {
    expect(() => parseRawJsonBody("text/plain", bytes("{"))).toThrow("Unsupported Media Type");
  });
});
