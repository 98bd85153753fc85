import { describe, expect, it } from "vitest";
import { createLogger, type LogLevel } from "./logger.ts";
import { requestLog, type RequestLogSettings } from "./request-log.ts";
import type { RequestSummary, RouterObserver } from "./router-observer.ts";

const SUMMARY: RequestSummary = {
  id: "cmpl-1",
  route: "/v1/completions",
  method: "POST",
  status: 200,
  durationMs: 12.3456,
  requestBytes: 10,
  responseBytes: 20,
  errorCode: undefined,
  generation: undefined,
};

function logAt(
  level: LogLevel,
  options?: RequestLogSettings,
): { readonly log: RouterObserver; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(level, {
    destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  return { log: requestLog(logger, options), lines };
}

describe("requestLog()", () => {
  it("writes one line a request at its end", () => {
    const { log, lines } = logAt("info");
    log.requestStarted("/v1/completions");
    log.requestFinished(SUMMARY);

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      msg: "request",
      level: 30,
      id: "cmpl-1",
      route: "/v1/completions",
      status: 200,
      durationMs: 12.3,
    });
  });

  it("writes times of a generation to a tenth of a millisecond, and none that there was not", () => {
    const { log, lines } = logAt("info");
    const generation = {
      model: "m",
      workers: ["w"],
      policy: "cache_aware",
      reason: "only_candidate",
      attempts: 1,
      queueMs: 0.0014220000011846423,
      firstTokenMs: 7.323799000005238,
      promptTokens: 24,
      completionTokens: 64,
      cachedTokens: 0,
      sequences: 1,
      maxTokens: 64,
      finishReasons: ["length"],
    };
    log.requestFinished({ ...SUMMARY, generation });
    log.requestFinished({
      ...SUMMARY,
      generation: { ...generation, queueMs: 0.06, firstTokenMs: undefined },
    });

    expect(lines).toMatchObject([
      { model: "m", queueMs: 0, firstTokenMs: 7.3, durationMs: 12.3 },
      { model: "m", queueMs: 0.1, durationMs: 12.3 },
    ]);
    expect(lines[1]).not.toHaveProperty("firstTokenMs");
  });

  it("keeps probes out of info, also those that found nothing ready", () => {
    const { log, lines } = logAt("info");
    log.requestFinished({ ...SUMMARY, route: "/health" });
    log.requestFinished({ ...SUMMARY, route: "/health", status: 503 });
    expect(lines).toEqual([]);
    const { log: loud, lines: all } = logAt("debug");
    loud.requestFinished({ ...SUMMARY, route: "/health", status: 503 });
    expect(all).toMatchObject([{ level: 20, status: 503 }]);
  });

  it("keeps lists that were shown out of info, but not those that were refused", () => {
    const { log, lines } = logAt("info");
    log.requestFinished({ ...SUMMARY, route: "/v1/models" });
    expect(lines).toEqual([]);
    log.requestFinished({ ...SUMMARY, route: "/v1/models", status: 405 });
    expect(lines).toHaveLength(1);
  });

  it("writes where error answers come from when asked to, but not what they say", () => {
    const error = Object.assign(new Error("a secret\n    of the client"), { status: 400 });
    const quiet = logAt("debug");
    quiet.log.errorAnswered?.("/v1/completions", error);
    expect(quiet.lines).toEqual([]);
    const { log, lines } = logAt("error", { errorStacks: true });
    log.errorAnswered?.("/v1/completions", error);
    expect(lines).toMatchObject([
      { route: "/v1/completions", status: 400, stack: expect.stringContaining("request-log.test") as string },
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  it("writes a bug as an error with its stack", () => {
    const { log, lines } = logAt("error");
    log.internalError("route", new Error("broken"));
    log.requestFinished({ ...SUMMARY, status: 500, errorCode: "internal" });

    expect(lines).toMatchObject([
      {
        level: 50,
        where: "route",
        err: { message: "broken", stack: expect.stringContaining("request-log.test") as string },
      },
      { level: 50, status: 500 },
    ]);
  });

  it("warns of a sick worker and informs of a well one", () => {
    const { log, lines } = logAt("info");
    log.workerChanged("w", "unhealthy", "no answer");
    log.workerChanged("w", "ready", "answers again");
    log.breakerChanged("w", "closed", "open");

    expect(lines).toMatchObject([
      { level: 40, worker: "w", state: "unhealthy", detail: "no answer" },
      { level: 30, worker: "w", state: "ready" },
      { level: 40, from: "closed", to: "open" },
    ]);
  });

  it("writes no request lines without an access log, but bugs all the same", () => {
    const { log, lines } = logAt("info", { accessLog: false });
    log.requestFinished(SUMMARY);
    expect(lines).toEqual([]);
    log.requestFinished({ ...SUMMARY, status: 500, errorCode: "internal" });
    expect(lines).toHaveLength(1);
  });

  it("shows nothing below its level", () => {
    const { log, lines } = logAt("critical");
    log.requestFinished(SUMMARY);
    log.workerChanged("w", "unhealthy", "");
    expect(lines).toEqual([]);
  });
});
