import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonBytes } from "./decode-bytes.ts";
import { JsonFloat, type JsonValue } from "./json-value.ts";
import { parseJson } from "./parse-json.ts";
import { writeJson } from "./write-json.ts";

/** The value as `JSON.parse` gives it. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

const runs = { seed: 32, numRuns: 300 };

describe("parseJson()", () => {
  it("agrees with JSON.parse on everything JSON.parse accepts", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
        const expected: unknown = JSON.parse(text);
        expect(plain(parseJson(text))).toEqual(normaliseZero(expected));
      }),
      runs,
    );
  });

  it("reads back what writeJson prints, from text and from bytes", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = parseJson(text);
        for (const options of [{}, { spaced: true, ascii: true }]) {
          const printed = writeJson(value, options);
          expect(parseJson(printed)).toEqual(value);
          expect(parseJsonBytes(new TextEncoder().encode(printed))).toEqual(value);
        }
      }),
      runs,
    );
  });

  it("refuses a broken text at the same place in text and in bytes", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 1 }), (text, place, wedge) => {
        const at = place % (text.length + 1);
        const broken = text.slice(0, at) + wedge + text.slice(at + 1);
        if (/[\p{Surrogate}\0]/u.test(broken)) return;
        expect(outcome(() => parseJsonBytes(new TextEncoder().encode(broken)))).toEqual(
          outcome(() => parseJson(broken)),
        );
      }),
      runs,
    );
  });
});

/** Python reads the integer `-0` as 0. */
function normaliseZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normaliseZero);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, normaliseZero(member)]));
}

function outcome(parse: () => JsonValue): unknown {
  try {
    return parse();
  } catch (error) {
    return String(error);
  }
}
