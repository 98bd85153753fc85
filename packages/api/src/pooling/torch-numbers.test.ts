import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import type { JsonFloat } from "../json/json-value.ts";
import { cosineSimilarity, shortenEmbedding } from "./cosine-similarity.ts";
import { embeddingBytes } from "./embedding-numbers.ts";

const rows = readFixture("torch-numbers.jsonl");

/** The numbers the recording was made with: a linear congruential generator, in [-0.5, 0.5). */
function series(seed: number, size: number): Float32Array {
  let state = BigInt(seed);
  return Float32Array.from({ length: size }, () => {
    state = (state * 1664525n + 1013904223n) % 2n ** 32n;
    return Number(state >> 8n) / 2 ** 24 - 0.5;
  });
}

describe("cosineSimilarity, to the last digit as torch", () => {
  for (const row of rows.filter((candidate) => candidate.get("kind") === "cosine")) {
    const size = row.get("size") as number;
    it(`of ${size} numbers`, () => {
      const left = series(size, size);
      const right = series(size + 1, size).map(
        (value, index) => Math.fround(value * Math.fround(0.3)) + (left[index] as number),
      );
      expect(cosineSimilarity(left, right)).toBe((row.get("value") as JsonFloat).value);
      expect(cosineSimilarity(left, left)).toBe((row.get("self") as JsonFloat).value);
      const half = shortenEmbedding(left, Math.max(1, Math.floor(size / 2)));
      const [first, last] = row.get("half") as readonly [JsonFloat, JsonFloat];
      expect([half[0], half.at(-1)]).toEqual([first.value, last.value]);
    });
  }

  it("is 0 for an embedding of zeros, not a division by zero", () => {
    expect(cosineSimilarity([0, 0], [1, 0])).toBe(0);
  });
});

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("embeddingBytes, as torch converts", () => {
  const row = rows.find((candidate) => candidate.get("kind") === "encoding");
  const values = new Float32Array(fromHex(row?.get("float32") as string).buffer);
  for (const embedDtype of ["float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2"] as const) {
    it(`to ${embedDtype}`, () => {
      const bytes = embeddingBytes(values, { embedDtype, endianness: "native" });
      expect(toHex(bytes)).toBe(row?.get(embedDtype));
    });
  }

  it("turns the bytes of a number round when asked for big endian", () => {
    expect(toHex(embeddingBytes([1], { embedDtype: "float32", endianness: "big" }))).toBe("3f800000");
    expect(toHex(embeddingBytes([1], { embedDtype: "float16", endianness: "big" }))).toBe("3c00");
    expect(toHex(embeddingBytes([1], { embedDtype: "fp8_e4m3", endianness: "big" }))).toBe("38");
  });
});
