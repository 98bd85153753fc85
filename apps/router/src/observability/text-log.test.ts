import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

function textLines(): { readonly lines: string[]; readonly logger: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const logger = createLogger("debug", {
    format: "text",
    destination: { write: (line) => lines.push(line) },
  });
  return { lines, logger };
}

describe("textLog()", () => {
  it("writes one line a record, without what is empty", () => {
    const { lines, logger } = textLines();
    logger.info({ worker: "http://n1:50051", state: "ready", detail: "" }, "worker ready");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d INFO {2}worker ready worker=http:\/\/n1:50051 state=ready\n$/);
  });

  it("quotes what a reader could not tell apart, joins lists and rounds times", () => {
    const { lines, logger } = textLines();
    logger.warn({ detail: "no answer\nat all", workers: ["a", "b"], queueMs: 0.2031, cachedTokens: 0 }, "x");
    expect(lines[0]).toMatch(
      /^\S+ WARN {2}x detail="no answer\\nat all" workers=a,b queueMs=0\.2 cachedTokens=0\n$/,
    );
  });

  it("shows the stack of an error below its line", () => {
    const { lines, logger } = textLines();
    logger.error({ where: "route", err: new Error("broken") }, "internal error");
    expect(lines[0]).toMatch(
      /^\S+ ERROR internal error where=route\n {4}Error: broken\n {8}at .*text-log\.test/,
    );
  });

  it("writes JSON when nothing else is asked for", () => {
    const lines: string[] = [];
    createLogger("info", { destination: { write: (line) => lines.push(line) } }).info({ a: 1 }, "x");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: 30, a: 1, msg: "x" });
  });
});
