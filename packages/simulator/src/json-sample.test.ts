import { describe, expect, it } from "vitest";
import { sampleJson } from "./json-sample.ts";

const cases: readonly (readonly [string, unknown, unknown])[] = [
  [
    "required members in declared order",
    {
      type: "object",
      properties: {
        age: { type: "integer", minimum: 3 },
        note: { type: "string" },
        name: { enum: ["Ann", "Bob"] },
      },
      required: ["name", "age"],
    },
    { age: 3, name: "Ann" },
  ],
  ["const", { const: [1, null] }, [1, null]],
  ["least lengths", { type: "array", items: { type: "string", minLength: 2 }, minItems: 2 }, ["aa", "aa"]],
  [
    "references",
    { $defs: { x: { type: "boolean" } }, type: "array", prefixItems: [{ $ref: "#/$defs/x" }] },
    [true],
  ],
  ["first alternative", { anyOf: [{ type: "null" }, { type: "string" }] }, null],
  ["exclusive bounds and steps", { type: "number", exclusiveMinimum: 4, multipleOf: 2 }, 6],
  ["an upper bound below zero", { type: "integer", maximum: -5 }, -5],
  [
    "all of",
    {
      allOf: [
        { type: "object", properties: { a: { type: "null" } }, required: ["a"] },
        { properties: { b: { type: "integer" } }, required: ["b"] },
      ],
    },
    { a: null, b: 0 },
  ],
];

describe("sampleJson()", () => {
  it.each(cases)("%s", (_, schema, expected) => {
    expect(sampleJson(schema)).toEqual(expected);
  });

  it("refuses what it cannot satisfy, by name", () => {
    expect(() => sampleJson({ type: "string", pattern: "^a$" })).toThrow("does not support pattern");
    expect(() => sampleJson({ $defs: { x: { $ref: "#/$defs/x" } }, $ref: "#/$defs/x" })).toThrow(
      "nested too deeply",
    );
  });
});
