import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "./capabilities.ts";
import { OPTIONAL_FIELDS } from "./engine.ts";

describe("CAPABILITIES", () => {
  it("names each dialect by itself and only fields that exist", () => {
    for (const [dialect, capabilities] of Object.entries(CAPABILITIES)) {
      expect(capabilities.dialect).toBe(dialect);
      for (const field of capabilities.unsupportedFields) expect(OPTIONAL_FIELDS).toContain(field);
    }
  });

  it("lets every field reach some engine", () => {
    for (const field of OPTIONAL_FIELDS) expect(CAPABILITIES.http.unsupportedFields.has(field)).toBe(false);
  });
});
