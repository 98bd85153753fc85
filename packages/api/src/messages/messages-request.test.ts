import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseCountTokensRequest, parseMessagesRequest } from "./messages-request.ts";

function refusalOf(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof ApiError) return errorBody(error);
    throw error;
  }
  return "";
}

describe("refusals of vLLM's own routes", () => {
  for (const row of readFixture("messages-refusals.jsonl")) {
    const body = row.get("body") as string;
    const parse = row.get("path") === "/v1/messages" ? parseMessagesRequest : parseCountTokensRequest;
    it(`${row.get("path") as string} ${body}`, () => {
      expect(refusalOf(() => parse(parseJson(body)))).toBe(row.get("answer"));
    });
  }
});

it("leaves a budget to the decode leg of a prefill", () => {
  const body =
    '{"model":"m","messages":[],"max_tokens":1,"thinking":{"type":"enabled","budget_tokens":1024},"kv_transfer_params":';
  expect(parseMessagesRequest(parseJson(`${body}{"do_remote_decode":true}}`)).maxTokens).toBe(1);
  expect(() => parseMessagesRequest(parseJson(`${body}{"do_remote_decode":false}}`))).toThrow(
    "thinking.budget_tokens must be less than max_tokens",
  );
});
