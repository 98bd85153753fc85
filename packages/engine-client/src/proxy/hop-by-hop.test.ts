import { describe, expect, it } from "vitest";
import { requestHeadersToForward, responseHeadersToForward } from "./hop-by-hop.ts";

describe("requestHeadersToForward()", () => {
  it("drops hop-by-hop headers, those the connection header names, and those the client sets", () => {
    const headers = [
      "Host",
      "router",
      "Content-Length",
      "5",
      "Authorization",
      "Bearer x",
      "Connection",
      "close, X-Private",
      "x-private",
      "1",
      "TE",
      "trailers",
      "X-Kept",
      "a",
      "X-Kept",
      "b",
    ];
    expect(requestHeadersToForward(headers)).toEqual([
      "Authorization",
      "Bearer x",
      "X-Kept",
      "a",
      "X-Kept",
      "b",
    ]);
  });
});

describe("responseHeadersToForward()", () => {
  it("keeps the length and drops the framing", () => {
    expect(responseHeadersToForward(["content-length", "5", "transfer-encoding", "chunked"])).toEqual([
      "content-length",
      "5",
    ]);
  });
});
