import { describe, expect, it } from "vitest";
import { NO_PARSERS } from "../models/model-parsers.ts";
import { checkToolChoice } from "./check-tool-choice.ts";

describe("checkToolChoice()", () => {
  it("lets no tools and no choice pass", () => {
    expect(() => checkToolChoice(null, NO_PARSERS)).not.toThrow();
    expect(() => checkToolChoice("none", NO_PARSERS)).not.toThrow();
  });

  it.each([
    ["auto", '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
    ["required", 'tool_choice="required" requires --tool-call-parser to be set'],
  ] as const)("refuses %s", (choice, message) => {
    expect(() => checkToolChoice(choice, NO_PARSERS)).toThrow(
      expect.objectContaining({ status: 400, message }),
    );
  });

  it("refuses a named function by its name", () => {
    const choice = new Map<string, never>([
      ["type", "function" as never],
      ["function", new Map([["name", "find"]]) as never],
    ]);
    expect(() => checkToolChoice(choice, NO_PARSERS)).toThrow('tool_choice=function "find" requires');
  });
});
