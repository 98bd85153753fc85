import { describe, expect, it } from "vitest";
import { schemaOfLabel } from "./label-schema.ts";

describe("schemaOfLabel", () => {
  it.each([
    ["str", { type: "string" }],
    ["nullable[constrained-int]", { anyOf: [{ type: "integer" }, { type: "null" }] }],
    ["list[list[int]]", { type: "array", items: { type: "array", items: { type: "integer" } } }],
    ["literal['a','b,c']", { type: "string", enum: ["a", "b,c"] }],
    [
      "union[list[str],dict[str,int]]",
      {
        anyOf: [
          { type: "array", items: { type: "string" } },
          { type: "object", additionalProperties: true },
        ],
      },
    ],
    ["function-before[check(), bool]", { type: "object", additionalProperties: true }],
    ["SomeClass", { type: "object", additionalProperties: true }],
  ])("reads %s", (label, schema) => {
    expect(schemaOfLabel(label)).toEqual(schema);
  });
});
