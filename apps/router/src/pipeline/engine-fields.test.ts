import { parseCompletionRequest, parseJson, type CompletionRequest } from "@vllm-router/api";
import { describe, expect, it } from "vitest";
import { engineFieldsOf, requiredFieldsOf } from "./engine-fields.ts";

function request(body: Readonly<Record<string, unknown>>): CompletionRequest {
  return parseCompletionRequest(parseJson(JSON.stringify({ prompt: "a", ...body })));
}

describe("fields for engines", () => {
  it("take the header's priority before the body's, and none where engines ignore them", () => {
    const given = request({ priority: 3 });
    expect(requiredFieldsOf(given)).toEqual(["priority"]);
    expect(engineFieldsOf(given, {}).priority).toBe(3);
    expect(engineFieldsOf(given, { priority: -2 }).priority).toBe(-2);
    expect(requiredFieldsOf(given, { priority: 0 })).toEqual([]);
    expect(requiredFieldsOf(request({}), { priority: 5 })).toEqual(["priority"]);
    expect(requiredFieldsOf(given, { ignoresPriority: true })).toEqual([]);
    expect(engineFieldsOf(given, { priority: 5, ignoresPriority: true }).priority).toBe(0);
  });

  it("take the body's session before the header's", () => {
    expect(engineFieldsOf(request({ session_id: "body" }), { sessionId: "header" }).sessionId).toBe("body");
    expect(engineFieldsOf(request({ session_id: "" }), { sessionId: "header" }).sessionId).toBe("header");
    expect(engineFieldsOf(request({}), {})).toEqual({
      priority: 0,
      cacheSalt: undefined,
      sessionId: undefined,
      ecTransferParams: undefined,
    });
  });

  it("are few for the steps of a beam search, which know nothing of the others", () => {
    const beams = request({
      use_beam_search: true,
      priority: 3,
      cache_salt: "salt",
      bad_words: ["x"],
      vllm_xargs: { a: 1 },
      ec_transfer_params: { a: 1 },
      session_id: "s",
    });
    expect(requiredFieldsOf(beams)).toEqual(["cache_salt"]);
    expect(engineFieldsOf(beams, { priority: 4 })).toEqual({
      priority: 0,
      cacheSalt: "salt",
      sessionId: "s",
      ecTransferParams: undefined,
    });
  });
});
