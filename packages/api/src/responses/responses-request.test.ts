import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseResponsesRequest } from "./responses-request.ts";

function refusalOf(body: string): string | null {
  try {
    parseResponsesRequest(parseJson(body));
  } catch (error) {
    if (error instanceof ApiError) return errorBody(error);
    throw error;
  }
  return null;
}

it("takes the keys of an object as the items of the input, as vLLM does", () => {
  const refusal = refusalOf('{"model":"m","input":{"type":"x"}}');
  expect(refusal).toContain(
    "'loc': 'body.input.0.EasyInputMessageParam', 'msg': 'Input should be a valid dictionary', 'input': 'type'",
  );
});

describe("bodies that vLLM's own route refuses, and some that it takes", () => {
  for (const row of readFixture("responses-refusals.jsonl")) {
    const body = row.get("body") as string;
    it(`${body}`, () => {
      expect(refusalOf(body)).toBe(row.get("answer"));
    });
  }
});
