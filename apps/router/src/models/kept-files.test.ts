import { describe, expect, it } from "vitest";
import { KeptFiles, unpackedFiles } from "./kept-files.ts";
import type { ModelFiles } from "./model-files.ts";

const LARGE = new TextEncoder().encode("Ġtoken ".repeat(50_000));
const SMALL = new TextEncoder().encode('{"small": true}');
const FILES: ModelFiles = new Map([
  ["tokenizer.json", LARGE],
  ["config.json", SMALL],
]);

function bytesOf(kept: KeptFiles): number {
  return [...kept.files.values()].reduce((sum, { bytes }) => sum + bytes.buffer.byteLength, 0);
}

describe("KeptFiles", () => {
  it("keeps files as they are until it is tidied", () => {
    const kept = new KeptFiles(FILES);
    expect(kept.files.get("tokenizer.json")?.bytes).toBe(LARGE);
    expect(unpackedFiles(kept.files)).toEqual(FILES);
  });

  it("gives a thread the same files afterwards, from less memory", () => {
    const kept = new KeptFiles(FILES);
    kept.tidy();
    expect(bytesOf(kept)).toBeLessThan(LARGE.length / 10);
    const unpacked = unpackedFiles(structuredClone(kept.files));
    expect([...unpacked.keys()]).toEqual(["tokenizer.json", "config.json"]);
    expect(Buffer.compare(unpacked.get("tokenizer.json") ?? SMALL, LARGE)).toBe(0);
    expect(unpacked.get("config.json")).toEqual(SMALL);
  });

  it("packs once, however often it is tidied", () => {
    const kept = new KeptFiles(FILES);
    kept.tidy();
    const { bytes } = kept.files.get("tokenizer.json") ?? {};
    kept.tidy();
    expect(kept.files.get("tokenizer.json")?.bytes).toBe(bytes);
  });
});
