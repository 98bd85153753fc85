import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createSseParser,
  MAX_SSE_EVENT_LENGTH,
  SSE_DONE,
  sseComment,
  sseEvent,
  type SseMessage,
} from "./sse.ts";

function parse(pieces: readonly string[]): readonly SseMessage[] {
  const messages: SseMessage[] = [];
  const parser = createSseParser((message) => messages.push(message));
  for (const piece of pieces) parser.push(piece);
  return messages;
}

describe("SSE", () => {
  it("writes what vLLM writes", () => {
    expect(sseEvent('{"a":1}')).toBe('data: {"a":1}\n\n');
    expect(sseComment("keep-alive")).toBe(": keep-alive\n\n");
    expect(SSE_DONE).toBe("data: [DONE]\n\n");
  });

  it("reads names, several lines of data, comments, and lines ended in any way", () => {
    const text =
      "\ufeff: hello\r\n\r\nevent: a\rdata: 1\rdata:2\r\rdata\n\nid: 5\nretry: 3\ndata:  x\n\nevent: lost\n\n";
    expect(parse([text])).toEqual([
      { event: "a", data: "1\n2" },
      { event: "message", data: "" },
      { event: "message", data: " x" },
    ]);
  });

  it("keeps an event that did not end", () => {
    expect(parse(["data: a\n"])).toEqual([]);
    expect(parse(["data: a\n", "\n"])).toEqual([{ event: "message", data: "a" }]);
  });

  it("does not depend on where the text is cut", () => {
    const line = fc.constantFrom("data: x", "data:y", "event: e", ": c", "data", "", "", "id: 1");
    const text = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 20 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (lines, cuts) => {
        const whole = lines.map(([content, end]) => content + end).join("");
        const places = cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b);
        const pieces = [0, ...places].map((start, index) =>
          whole.slice(start, [...places, whole.length][index]),
        );
        expect(parse(pieces)).toEqual(parse([whole]));
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("bounds what it holds", () => {
    const parser = createSseParser(() => undefined);
    expect(() => parser.push(`data: ${"x".repeat(MAX_SSE_EVENT_LENGTH)}`)).toThrow(RangeError);
  });
});
