import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseChatRequest } from "./chat-request.ts";
import { parseCompletionRequest } from "./completion-request.ts";
import { parseDetokenizeRequest, parseTokenizeRequest } from "./tokenize-request.ts";

const parsers: Readonly<Record<string, (body: JsonValue) => unknown>> = {
  "/chat": parseChatRequest,
  "/comp": parseCompletionRequest,
  "/tok": parseTokenizeRequest,
  "/detok": parseDetokenizeRequest,
};

describe("generated bodies that vLLM's request classes refuse", () => {
  for (const row of readFixture("body-refusals.jsonl")) {
    const path = row.get("path") as string;
    const body = row.get("body") as string;
    it(`${path} ${body.slice(0, 150)}`, () => {
      let error: unknown;
      try {
        parsers[path]?.(parseJson(body));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ApiError);
      expect(errorBody(error as ApiError)).toBe(row.get("answer"));
      expect((error as ApiError).status).toBe(row.get("status"));
    });
  }
});
