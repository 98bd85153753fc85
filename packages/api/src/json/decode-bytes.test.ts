import { describe, expect, it } from "vitest";
import { parseJsonBytes } from "./decode-bytes.ts";
import { JsonError } from "./json-error.ts";

const expected = new Map([["é", "😀"]]);
const text = '{"é":"😀"}';

function utf16(littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < text.length; index++)
    view.setUint16(index * 2, text.charCodeAt(index), littleEndian);
  return bytes;
}

function utf32(littleEndian: boolean): Uint8Array {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const bytes = new Uint8Array(points.length * 4);
  const view = new DataView(bytes.buffer);
  points.forEach((point, index) => view.setUint32(index * 4, point, littleEndian));
  return bytes;
}

function withMark(mark: readonly number[], bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...mark, ...bytes]);
}

describe("halves of surrogate pairs in UTF-8", () => {
  const quoted = (...bytes: readonly number[]): Uint8Array => new Uint8Array([0x22, ...bytes, 0x22]);

  it("stand alone, as in Python", () => {
    expect(parseJsonBytes(quoted(0x61, 0xed, 0xa0, 0x80, 0x62))).toBe("a\ud800b");
    expect(parseJsonBytes(quoted(0xed, 0xbf, 0xbf))).toBe("\udfff");
  });

  it("do not make other broken bytes good", () => {
    expect(() => parseJsonBytes(quoted(0xed, 0xa0, 0x80, 0xff))).toThrow(JsonError);
    expect(() => parseJsonBytes(quoted(0xed, 0xa0))).toThrow(JsonError);
  });
});

describe("parseJsonBytes()", () => {
  const utf8 = new TextEncoder().encode(text);
  const encodings: readonly (readonly [string, Uint8Array])[] = [
    ["UTF-8", utf8],
    ["UTF-8 with mark", withMark([0xef, 0xbb, 0xbf], utf8)],
    ["UTF-16 little endian", utf16(true)],
    ["UTF-16 big endian", utf16(false)],
    ["UTF-16 little endian with mark", withMark([0xff, 0xfe], utf16(true))],
    ["UTF-16 big endian with mark", withMark([0xfe, 0xff], utf16(false))],
    ["UTF-32 little endian", utf32(true)],
    ["UTF-32 big endian", utf32(false)],
    ["UTF-32 little endian with mark", withMark([0xff, 0xfe, 0, 0], utf32(true))],
  ];
  for (const [name, bytes] of encodings) {
    it(`reads ${name}`, () => {
      expect(parseJsonBytes(bytes)).toEqual(expected);
    });
  }

  it("sees every control character wherever it stands in a word of memory", () => {
    for (let padding = 0; padding < 9 * 31; padding++) {
      const body = `"${"x".repeat(padding % 9)}${String.fromCharCode(1 + Math.floor(padding / 9))}yyyy"`;
      const shifted = new Uint8Array(new ArrayBuffer(64), padding % 4, body.length);
      shifted.set(new TextEncoder().encode(body));
      expect(() => parseJsonBytes(shifted)).toThrow("Invalid control character at");
    }
  });

  it("takes bytes above 0x7f for no control characters", () => {
    const body = `"${"é😀中".repeat(10)}"`;
    expect(parseJsonBytes(new TextEncoder().encode(body))).toBe("é😀中".repeat(10));
  });

  it("refuses bytes that are no text", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3],
      [0xff, 0xfe, 0x41],
      [0, 0, 0, 0x22, 0, 0x11, 0, 0],
    ]) {
      let code: string | undefined;
      try {
        parseJsonBytes(new Uint8Array(bytes));
      } catch (error) {
        code = error instanceof JsonError ? error.code : String(error);
      }
      expect(code).toBe("refused");
    }
  });
});
