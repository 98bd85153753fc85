import { describe, expect, it } from "vitest";
import { ApiError, errorBody } from "../api-error.ts";
import { BodyMemory } from "../json/body-memory.ts";
import { parseRequestBody } from "./request-body.ts";

const MEDIA_TYPE =
  '{"error":{"message":"1 validation error:\\n  Unsupported Media Type: Only \'application/json\' is allowed","type":"Bad Request","param":null,"code":400}}';
const SYNTAX =
  "{\"error\":{\"message\":\"1 validation error:\\n  {'type': 'json_invalid', 'loc': 'body.1', 'msg': 'JSON decode error', " +
  "'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting property name enclosed in double quotes'}}\"," +
  '"type":"Bad Request","param":"body.1","code":400}}';

function answer(contentType: string | undefined, body: string | Uint8Array): unknown {
  try {
    return parseRequestBody(contentType, typeof body === "string" ? new TextEncoder().encode(body) : body);
  } catch (error) {
    return error instanceof ApiError ? errorBody(error) : error;
  }
}

describe("parseRequestBody()", () => {
  it("reads JSON that calls itself so, in any case and with parameters", () => {
    for (const type of ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"]) {
      expect(answer(type, "[1]")).toEqual([1]);
      expect(answer(type, "")).toBeNull();
      expect(answer(type, "{bad")).toBe(SYNTAX);
    }
  });

  it("takes from a memory what an earlier body began with, and refuses as without", () => {
    const memory = new BodyMemory({
      equals: (left, right) => left.join() === right.join(),
      mostBytes: 2 ** 20,
    });
    const begin = `{"messages":[{"content":"${"x".repeat(9000)}"}`;
    const parse = (text: string): unknown =>
      parseRequestBody("application/json", new TextEncoder().encode(text), memory);
    const first = parse(`${begin}]}`) as Map<string, readonly unknown[]>;
    const second = parse(`${begin},{}]}`) as Map<string, readonly unknown[]>;
    expect(second.get("messages")?.[0]).toBe(first.get("messages")?.[0]);
    expect(() => parse(`${begin},{]}`)).toThrow(ApiError);
  });

  it("refuses every other media type", () => {
    const types = [
      "text/plain",
      "application/jsonx",
      "application/json ;x",
      "application/vnd.api+json",
      "",
      undefined,
    ];
    for (const type of types) expect(answer(type, "[1]")).toBe(MEDIA_TYPE);
  });

  it("looks at the syntax first where the media type is some kind of JSON", () => {
    expect(answer("application/vnd.api+json", "{bad")).toBe(SYNTAX);
    expect(answer("application/json ;x", "{bad")).toBe(SYNTAX);
    expect(answer("text/plain", "{bad")).toBe(MEDIA_TYPE);
  });

  it("gives up on what Python gives up on, in the framework's words", () => {
    const detail = '{"detail":"There was an error parsing the body"}';
    expect(answer("application/json", new Uint8Array([0x22, 0xff, 0x22]))).toBe(detail);
    expect(answer("application/json", "[".repeat(5000))).toBe(detail);
    expect(answer("application/json", "1".repeat(5000))).toBe(detail);
  });
});
