import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonBytes } from "./decode-bytes.ts";
import { jsonMembers, withoutSpace } from "./json-members.ts";
import { isJsonObject, type JsonObject } from "./json-value.ts";

declare const Buffer: { from(text: string): Uint8Array };

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[ab"\\]{0,90}$/));
const spaces = fc.constantFrom(undefined, 1, "\t");
const objects = fc.dictionary(
  fc.string({ unit: "grapheme-ascii" }),
  fc.jsonValue({ stringUnit: "binary", maxDepth: 4 }),
);

function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseJsonBytes(bytes);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

describe("jsonMembers()", () => {
  it("finds what a parser finds", () => {
    fc.assert(
      fc.property(objects, texts, spaces, (object, text, space) => {
        for (const bytes of [
          utf8(JSON.stringify({ ...object, text }, undefined, space)),
          Buffer.from(JSON.stringify({ ...object, text }, undefined, space)),
        ]) {
          const whole = parsed(bytes);
          const members = jsonMembers(bytes);
          const isPlain = [...(whole ?? [])].every(([name]) => /^[^"\\\u0080-\uffff]*$/.test(name));
          expect(members !== undefined).toBe(isPlain);
          if (members === undefined) continue;
          expect([...members.keys()]).toEqual([...(whole as JsonObject).keys()]);
          for (const [name, { start, end }] of members)
            expect(parseJsonBytes(bytes.subarray(start, end))).toEqual(whole?.get(name));
        }
      }),
    );
  });

  it("makes no object of what a parser takes for none, whatever stands in its values", () => {
    const parts = fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", " ", "1", "a", '"a"', "null");
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 14 }), (pieces) => {
        const bytes = utf8(pieces.join(""));
        const whole = parsed(bytes);
        const members = jsonMembers(bytes);
        // What is inside values may be wrong: an object that a parser reads is found all the same.
        const isEscaped = pieces.includes("\\");
        expect(whole !== undefined && members === undefined && !isEscaped).toBe(false);
        if (members === undefined || whole !== undefined) return;
        const values = [...members.values()].map(({ start, end }) => bytes.subarray(start, end));
        expect(values.some((value) => !isJson(value))).toBe(true);
      }),
    );
  });

  it.each([
    "",
    "[]",
    "3",
    "{",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1}x',
    '{"a":[}',
    '{"a":{]}',
    '{"a":"',
    '{"a":1 2}',
  ])("finds nothing in %j", (text) => {
    expect(jsonMembers(utf8(text))).toBeUndefined();
  });

  it("takes the last of two of a name, and the last quote for a string's end only where it is one", () => {
    const long = "x".repeat(100);
    const bytes = utf8(`{"a":1,"a":"${long}\\\\\\"${long}\\\\" ,"b":{}}`);
    const members = jsonMembers(bytes);
    expect(members?.get("b")).toEqual({ start: bytes.length - 3, end: bytes.length - 1 });
    const { start, end } = members!.get("a")!;
    expect(parseJsonBytes(bytes.subarray(start, end))).toBe(`${long}\\"${long}\\`);
  });
});

describe("withoutSpace()", () => {
  it("leaves the values as they would be written without space", () => {
    fc.assert(
      fc.property(objects, texts, spaces, (object, text, space) => {
        const values = [object, [text, object]];
        const bytes = utf8(JSON.stringify(values, undefined, space));
        const compact = withoutSpace(bytes, [{ start: 0, end: bytes.length }]);
        expect(new TextDecoder().decode(compact)).toBe(JSON.stringify(values));
      }),
    );
  });

  it("is a beginning of the whole where the span is cut", () => {
    fc.assert(
      fc.property(fc.tuple(objects, texts), spaces, fc.nat(), (values, space, cut) => {
        const bytes = utf8(JSON.stringify(values, undefined, space));
        const whole = withoutSpace(bytes, [{ start: 0, end: bytes.length }]);
        const cutOff = withoutSpace(bytes, [{ start: 0, end: cut % (bytes.length + 1) }]);
        expect(cutOff).toEqual(whole.subarray(0, cutOff.length));
        const kept = bytes.subarray(0, cut % (bytes.length + 1)).filter((byte) => byte > 0x20).length;
        expect(cutOff.length).toBeGreaterThanOrEqual(kept);
      }),
    );
  });

  it("puts several after each other", () => {
    const bytes = utf8('{"b": [1, 2], "a": "x y"}');
    const members = jsonMembers(bytes)!;
    const both = withoutSpace(bytes, [members.get("a")!, members.get("b")!]);
    expect(new TextDecoder().decode(both)).toBe('"x y"[1,2]');
    const spans = [members.get("a")!, members.get("b")!];
    const room = new Uint8Array(11);
    expect(withoutSpace(bytes, spans, room)).toEqual(both);
    expect(withoutSpace(bytes, spans, room).buffer).toBe(room.buffer);
    expect(withoutSpace(bytes, spans, room.subarray(1))).toEqual(both);
    expect(withoutSpace(bytes, spans, room.subarray(1)).buffer).not.toBe(room.buffer);
  });
});

function isJson(bytes: Uint8Array): boolean {
  try {
    parseJsonBytes(bytes);
    return true;
  } catch {
    return false;
  }
}
