import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseDerenderChat, parseDerenderCompletion } from "./derender-request.ts";

const parsers: Readonly<Record<string, (body: JsonValue) => unknown>> = {
  "/v1/chat/completions/derender": parseDerenderChat,
  "/v1/completions/derender": parseDerenderCompletion,
};

describe("bodies that vLLM's derender routes refuse", () => {
  for (const row of readFixture("derender-refusals.jsonl")) {
    const body = row.get("body") as string;
    it(`refuse ${body.slice(0, 150)}`, () => {
      let error: unknown;
      try {
        parsers[row.get("path") as string]?.(parseJson(body));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ApiError);
      expect(errorBody(error as ApiError)).toBe(row.get("answer"));
    });
  }
});
