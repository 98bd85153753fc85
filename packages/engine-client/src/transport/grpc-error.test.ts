import { describe, expect, it } from "vitest";
import {
  decodeGrpcMessage,
  engineErrorFromHttpStatus,
  engineErrorFromReset,
  engineErrorFromStatus,
} from "./grpc-error.ts";

describe("engineErrorFromStatus()", () => {
  it("keeps the engine's text and makes one up when there is none", () => {
    expect(engineErrorFromStatus(3, "too long")).toMatchObject({ code: "rejected", message: "too long" });
    expect(engineErrorFromStatus(13, "").message).toBe("the engine answered with gRPC status 13");
  });

  it("takes a status that does not exist for a broken protocol", () => {
    expect(engineErrorFromStatus(99, "?").code).toBe("protocol");
    expect(engineErrorFromStatus(Number.NaN, "?").code).toBe("protocol");
  });
});

describe("engineErrorFromHttpStatus()", () => {
  it.each([
    [404, "unimplemented"],
    [429, "overloaded"],
    [503, "unavailable"],
    [500, "protocol"],
  ])("turns %i into %s", (status, code) => {
    expect(engineErrorFromHttpStatus(status).code).toBe(code);
  });
});

describe("engineErrorFromReset()", () => {
  it.each([
    [0, "protocol", false],
    [1, "protocol", false],
    [2, "internal", false],
    [7, "unavailable", true],
    [8, "unavailable", false],
    [11, "overloaded", false],
  ])("turns HTTP/2 code %i into %s", (reset, code, notStarted) => {
    expect(engineErrorFromReset(reset)).toMatchObject({ code, notStarted });
  });
});

describe("decodeGrpcMessage()", () => {
  it("decodes percent-encoded UTF-8 and leaves broken text alone", () => {
    expect(decodeGrpcMessage("caf%C3%A9 100%25")).toBe("café 100%");
    expect(decodeGrpcMessage("100%")).toBe("100%");
    expect(decodeGrpcMessage("plain")).toBe("plain");
  });
});
