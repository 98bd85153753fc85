import { badRequestError } from "@vllm-router/api";
import { ENGINE_ERROR_CODES, EngineError } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { failureCode, failureToApiError, type RequestFailure } from "./request-failure.ts";
import { isRetryable } from "./retryable.ts";

const engine = (code: EngineError["code"], message = "said the engine"): RequestFailure => ({
  kind: "engine",
  error: new EngineError(code, message),
});
const notPlaced = (
  code: "no_worker" | "unsupported_field" | "rank_out_of_range",
  field?: string,
): RequestFailure => ({ kind: "not-placed", failure: { code, message: "why not", field } });

describe("failureToApiError()", () => {
  it.each([
    [engine("rejected"), 400, "BadRequestError", null],
    [engine("unavailable"), 503, "ServiceUnavailableError", null],
    [engine("overloaded"), 503, "ServiceUnavailableError", null],
    [engine("unimplemented"), 501, "NotImplementedError", null],
    [engine("protocol"), 502, "BadGatewayError", null],
    [engine("deadline_exceeded"), 504, "GatewayTimeoutError", null],
    [engine("cancelled"), 503, "ServiceUnavailableError", null],
    [engine("internal"), 500, "InternalServerError", null],
    [notPlaced("no_worker"), 503, "ServiceUnavailableError", null],
    [notPlaced("unsupported_field", "bad_words"), 501, "NotImplementedError", "bad_words"],
    [notPlaced("rank_out_of_range"), 400, "BadRequestError", null],
    [{ kind: "body-too-large", limitBytes: 5 }, 413, "Request Entity Too Large", null],
    [{ kind: "queue-full" }, 429, "TooManyRequestsError", null],
    [{ kind: "queue-timeout" }, 408, "RequestTimeoutError", null],
    [{ kind: "stopping" }, 503, "ServiceUnavailableError", null],
  ] satisfies [RequestFailure, number, string, string | null][])(
    "%j is %i %s",
    (failure, ...[status, type, param]) => {
      expect(failureToApiError(failure)).toMatchObject({ status, type, param, code: status });
    },
  );

  it("tells the engine's words only where they are about the request", () => {
    for (const code of ENGINE_ERROR_CODES) {
      const told = failureToApiError(engine(code)).message === "said the engine";
      expect([code, told]).toEqual([code, code === "rejected" || code === "unimplemented"]);
    }
  });

  it("tells of a constraint that the engine cannot compile in the words of the plan", () => {
    const refusal = badRequestError("Invalid structured_outputs structural_tag specification.");
    const told = (failure: RequestFailure): string => failureToApiError(failure, refusal).message;
    expect(told(engine("rejected", "Invalid grammar specification: 'triggers'"))).toBe(refusal.message);
    expect(told(engine("rejected"))).toBe("said the engine");
    expect(told(engine("internal", "Invalid grammar specification."))).toBe("Internal server error");
    expect(failureToApiError(engine("rejected", "Invalid grammar specification.")).message).toBe(
      "Invalid grammar specification.",
    );
  });

  it.each([
    ["bad (parameter=seed, value=1)", "seed"],
    ["bad (parameter=structured_outputs.regex)", "structured_outputs.regex"],
    ["two\nlines (parameter=stop, value=['a', ')'])", "stop"],
    ["bad (parameter=seed, value=1) indeed", null],
    ["bad", null],
  ])("finds the parameter in %j", (message, param) => {
    expect(failureToApiError(engine("rejected", message))).toMatchObject({ message, param });
  });
});

describe("failureCode()", () => {
  it("is the engine's, the placer's, or the router's own", () => {
    expect(
      [
        engine("overloaded"),
        notPlaced("no_worker"),
        { kind: "queue-full" } as const,
        { kind: "queue-timeout" } as const,
        { kind: "stopping" } as const,
      ].map(failureCode),
    ).toEqual(["overloaded", "no_worker", "queue_full", "queue_timeout", "stopping"]);
  });
});

describe("isRetryable()", () => {
  it("is true where another worker may do better", () => {
    expect(ENGINE_ERROR_CODES.filter((code) => isRetryable(new EngineError(code, "")))).toEqual([
      "unavailable",
      "overloaded",
      "protocol",
      "internal",
    ]);
  });
});
