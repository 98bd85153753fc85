import { describe, expect, it } from "vitest";
import { GrowingBytes } from "./growing-bytes.ts";

describe("GrowingBytes", () => {
  it("is its pieces one behind the other, also of many megabytes", () => {
    const growing = new GrowingBytes(8_000_000);
    expect(growing.bytes()).toEqual(Buffer.alloc(0));
    const pieces = Array.from({ length: 100 }, (_, at) => new Uint8Array(at * 1000).fill(at));
    for (const piece of pieces) expect(growing.append(piece)).toBe(true);
    expect(growing.bytes().equals(Buffer.concat(pieces))).toBe(true);
  });

  it("takes a copy", () => {
    const growing = new GrowingBytes(10);
    const piece = Uint8Array.of(1, 2);
    growing.append(piece);
    piece.fill(9);
    expect([...growing.bytes()]).toEqual([1, 2]);
  });

  it("takes as much as it may and not a byte more", () => {
    const growing = new GrowingBytes(5);
    expect(growing.append(Uint8Array.of(1, 2, 3))).toBe(true);
    expect(growing.append(Uint8Array.of(4, 5, 6))).toBe(false);
    expect(growing.append(Uint8Array.of(4, 5))).toBe(true);
    expect(growing.append(new Uint8Array(0))).toBe(true);
    expect(growing.append(Uint8Array.of(6))).toBe(false);
    expect([...growing.bytes()]).toEqual([1, 2, 3, 4, 5]);
  });
});
