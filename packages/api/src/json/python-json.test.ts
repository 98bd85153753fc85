import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { parseJsonBytes } from "./decode-bytes.ts";
import { JsonError } from "./json-error.ts";
import type { JsonObject } from "./json-value.ts";
import { parseJson } from "./parse-json.ts";
import { pythonRepr } from "./python-text.ts";

function outcome(parse: () => ReturnType<typeof parseJson>): Record<string, unknown> {
  try {
    return { ok: pythonRepr(parse()) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { err: error.message, pos: error.position };
  }
}

describe("recorded texts of Python's json.loads", () => {
  for (const row of readFixture("python-json.jsonl")) {
    const text = row.get("s") as string;
    it(`reads ${JSON.stringify(text)}`, () => {
      const expected = Object.fromEntries(row.get("out") as JsonObject);
      expect(outcome(() => parseJson(text))).toEqual(expected);
      expect(outcome(() => parseJsonBytes(new TextEncoder().encode(text)))).toEqual(expected);
    });
  }
});
