import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "./json-value.ts";
import { parseJsonBytes } from "./decode-bytes.ts";
import { parseJson } from "./parse-json.ts";
import { parseLongJson } from "./parse-long-json.ts";

const encoder = new TextEncoder();
const runs = { seed: 128, numRuns: 200 };

/** Strings of all lengths at which something changes, escaped or not, near each other or far apart. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.constantFrom('"', "\\", "\n", "\t", "\u007f", "é", "→", "🙂", "\ufeff", "\\u0041"),
      fc.tuple(fc.constantFrom("x", "é", "word "), fc.nat(700)).map(([unit, count]) => unit.repeat(count)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
const values = fc.jsonValue({ stringUnit: "grapheme", maxDepth: 4 });
const documents = fc
  .record({ texts: fc.array(texts, { maxLength: 8 }), named: fc.dictionary(texts, values), values })
  .map((value) => JSON.stringify(value));

/** All but ASCII as escapes, as Python writes it. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

describe("parseLongJson()", () => {
  it("reads what parseJson() reads", () => {
    fc.assert(
      fc.property(documents, (text) => {
        const expected = parseJson(text);
        for (const written of [text, ascii(text)]) {
          expect(parseLongJson(encoder.encode(written))).toEqual(expected);
        }
      }),
      runs,
    );
  });

  it("keeps order, doubles and numbers as parseJson() does", () => {
    const text =
      '{ "b" : 1.0, "1": -0, "a": [1e5, 12345678901234567890, 0, -12, 999999999999999, NaN, -Infinity, true, false, null, {}, []] , "b": 2 }';
    const value = parseLongJson(encoder.encode(text)) as Map<string, JsonValue>;
    expect(value).toEqual(parseJson(text));
    expect([...value.keys()]).toEqual(["b", "1", "a"]);
  });

  it("never reads what parseJson() refuses, or otherwise, wherever it is broken", () => {
    const breakages = fc.record({
      text: documents,
      place: fc.nat(),
      wedge: fc.uint8Array({ maxLength: 2 }),
      removed: fc.nat(3),
    });
    fc.assert(
      fc.property(breakages, ({ text, place, wedge, removed }) => {
        const bytes = encoder.encode(text);
        const at = place % (bytes.length + 1);
        const broken = Uint8Array.from([...bytes.subarray(0, at), ...wedge, ...bytes.subarray(at + removed)]);
        fc.pre(broken.every((byte) => byte >= 0x20));
        const expected = outcome(() => parseJsonBytes(broken));
        const read = parseLongJson(broken) ?? expected;
        expect(read).toEqual(expected);
      }),
      runs,
    );
  });

  const refused = [
    '{"a":"\\ud83d"}',
    '{"a":"\\ude42\\ud83d"}',
    '{"a":"\\ud83d\\u0041"}',
    '{"a":"\\u12g4"}',
    '{"a":"\\x"}',
    '{"a":"b',
    '{"a":"b\\',
    '{"a":"b\\u00',
    '{"a":1,}',
    "[1,]",
    '{"a" 1}',
    "01",
    "-",
    "1.",
    "+1",
    "nul",
    "[1] 2",
    "",
    `${"[".repeat(951)}${"]".repeat(951)}`,
  ];
  it.each(refused)("does not decide about %s", (text) => {
    expect(parseLongJson(encoder.encode(text))).toBeUndefined();
  });

  it("does not decide about bytes that are no UTF-8", () => {
    for (const bytes of [
      [0xff],
      [0xc3],
      [0xed, 0xa0, 0x80],
      [0xc3, 0x5c, 0x75, 0x30, 0x30, 0x65, 0x39],
      [0x5c, 0x6e, 0xa9],
    ]) {
      for (const padding of [0, 30, 600]) {
        const filled = [...encoder.encode("x".repeat(padding)), ...bytes];
        expect(parseLongJson(Uint8Array.from([0x22, ...filled, 0x22]))).toBeUndefined();
      }
    }
  });
});

describe("parseJsonBytes() of long bodies", () => {
  it("answers as ever, whichever way it takes", () => {
    for (const filling of ["word ", "wörd → \n", 'say "→"', "🙂\\"]) {
      const value = { messages: [{ role: "user", content: filling.repeat(20_000) }, { "→": [1, 2.5] }] };
      const text = JSON.stringify(value);
      for (const written of [text, ascii(text), JSON.stringify(value, null, 2), `\ufeff${text}`]) {
        expect(parseJsonBytes(encoder.encode(written))).toEqual(parseJson(text));
      }
      const lone = text.replace("user", "\\ud800");
      expect(parseJsonBytes(encoder.encode(lone))).toEqual(parseJson(lone));
      const broken = text.slice(0, -1);
      expect(outcome(() => parseJsonBytes(encoder.encode(broken)))).toBe(outcome(() => parseJson(broken)));
    }
  });
});

function outcome(parse: () => JsonValue): unknown {
  try {
    return parse();
  } catch (error) {
    return String(error);
  }
}
