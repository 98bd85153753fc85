import { describe, expect, it } from "vitest";
import { NodeTextUnits } from "./node-text-units.ts";

describe("NodeTextUnits", () => {
  it("holds the UTF-16 of a text, lone surrogates and all, and compares it at any place", () => {
    const text = "é中😀\ud800x\0\udc00 end";
    const units = new NodeTextUnits(64);
    units.write(text);
    const own = new Uint16Array(units.bytes.buffer, units.bytes.byteOffset, text.length);
    expect(String.fromCharCode(...own)).toBe(text);
    for (let start = 0; start < text.length * 2; start += 1) {
      const other = Uint8Array.from(units.bytes.subarray(start, text.length * 2));
      expect(units.equals(start, other)).toBe(true);
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      expect(units.equals(start, other)).toBe(false);
    }
  });
});
