import { describe, expect, it } from "vitest";

import { createLineReader } from "./line-reader.ts";

function read(...chunks: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return lines;
}

describe("createLineReader()", () => {
  it("joins what arrives in pieces", () => {
    expect(read("a", "b\nc", "\n", "d")).toEqual(["ab", "c", "d"]);
  });

  it("keeps empty lines and drops line ends of both kinds", () => {
    expect(read("a\r\n\nb\n")).toEqual(["a", "", "b"]);
  });

  it("shows only the last state of a progress bar", () => {
    expect(read("loading  10%\rloading  90%\rloading 100%\n")).toEqual(["loading 100%"]);
  });

  it("cuts a line that never ends", () => {
    const lines = read("x".repeat(20_000), "y");
    expect(lines.map((line) => line.length)).toEqual([20_000, 1]);
  });
});
