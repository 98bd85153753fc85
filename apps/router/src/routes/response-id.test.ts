import { describe, expect, it } from "vitest";
import type { RequestScope } from "../server/request-scope.ts";
import { baseRequestId, requestedRank, traceMetadata } from "./response-id.ts";

/** A scope of which only the headers are looked at. */
function scopeWith(headers: Readonly<Record<string, string>>): RequestScope {
  return { exchange: { header: (name: string) => headers[name] } } as unknown as RequestScope;
}

describe("baseRequestId()", () => {
  const headers = ["x-request-id", "x-correlation-id"];

  it("is the first header that is there, then the body's id, then a random one", () => {
    const scope = scopeWith({ "x-correlation-id": "c" });
    expect(baseRequestId(scope, { body: "b", headers })).toBe("c");
    expect(baseRequestId(scopeWith({}), { body: "b", headers })).toBe("b");
    const random = Array.from({ length: 1_000 }, () => baseRequestId(scopeWith({}), { body: null, headers }));
    expect(baseRequestId(scopeWith({}), { body: "", headers })).toBe("");
    expect(baseRequestId(scopeWith({ "x-request-id": "" }), { body: "b", headers })).toBe("");
    expect(random.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
    expect(new Set(random).size).toBe(1_000);
  });
});

describe("requestedRank()", () => {
  it.each([
    ["3", 3],
    [" +2 ", 2],
    ["-1", -1],
    ["1.5", undefined],
    ["two", undefined],
    ["", undefined],
  ])("reads %j as %s", (text, rank) => {
    expect(requestedRank(scopeWith({ "x-data-parallel-rank": text }))).toBe(rank);
  });

  it("is none without the header", () => {
    expect(requestedRank(scopeWith({}))).toBeUndefined();
  });
});

describe("traceMetadata()", () => {
  it("passes the trace on, and nothing that metadata cannot hold", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    expect(traceMetadata(scopeWith({}))).toBeUndefined();
    expect(traceMetadata(scopeWith({ tracestate: "a=b" }))).toBeUndefined();
    expect(traceMetadata(scopeWith({ traceparent }))).toEqual({ traceparent });
    expect(traceMetadata(scopeWith({ traceparent, tracestate: "a=b" }))).toEqual({
      traceparent,
      tracestate: "a=b",
    });
    expect(traceMetadata(scopeWith({ traceparent: "caf\u00e9" }))).toBeUndefined();
    expect(traceMetadata(scopeWith({ traceparent, tracestate: "\u00e9" }))).toEqual({ traceparent });
  });
});
