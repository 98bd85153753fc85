import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { replay } from "./replay.cases.ts";

describe("recorded answers, rendered again from their own tokens", () => {
  for (const row of readFixture("responses.jsonl")) {
    it(`answers ${row.get("id") as string}`, () => {
      const { recorded, rendered } = replay(row);
      expect(rendered).toBe(recorded);
    });
  }
});
