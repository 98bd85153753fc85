import { describe, expect, it } from "vitest";
import { parseEngineUrl } from "./engine-address.ts";

describe("parseEngineUrl()", () => {
  it.each([
    ["http://node1:50051", { protocol: "any", address: "node1:50051", secure: false }],
    ["http://node1:50051/", { protocol: "any", address: "node1:50051", secure: false }],
    ["http://node1", { protocol: "any", address: "node1:80", secure: false }],
    ["https://node1", { protocol: "http", address: "node1:443", secure: true }],
    ["grpc://10.0.0.1:1", { protocol: "grpc", address: "10.0.0.1:1", secure: false }],
    ["grpcs://[::1]:50051", { protocol: "grpc", address: "[::1]:50051", secure: true }],
  ])("reads %s", (url, expected) => {
    expect(parseEngineUrl(url)).toEqual(expected);
  });

  it.each([
    ["node1:50051", "must begin with"],
    ["", "must begin with"],
    ["ftp://node1:1", "must begin with"],
    ["grpc://node1", "has no port"],
    ["http://node1:1/v1", "must not have a path"],
    ["http://node1:1/?a=1", "must not have a path"],
    ["http://user:secret@node1:1", "must not hold credentials"],
    ["http://node1:99999", "must begin with"],
  ])("refuses %j", (url, reason) => {
    expect(() => parseEngineUrl(url)).toThrow(reason);
  });
});
