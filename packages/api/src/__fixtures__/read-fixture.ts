import { readFileSync } from "node:fs";
import { parseJson } from "../json/parse-json.ts";
import type { JsonObject } from "../json/json-value.ts";

/** Rows of a `.jsonl` file of this folder. */
export function readFixture(name: string): readonly JsonObject[] {
  const lines = readFileSync(new URL(name, import.meta.url), "utf8").trim().split("\n");
  return lines.map((line) => parseJson(line) as JsonObject);
}
