import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { compileChatTemplate, type ChatTemplate } from "./chat-template.ts";
import { FIXED_CLOCK as clock, json, loadFixture, type JsonObject } from "./template-fixtures.cases.ts";

type Outcome = "text" | "error" | "invalid";

interface Fixture {
  readonly variables: string;
  readonly cases: readonly (readonly [template: string, outcome: Outcome, text: string])[];
  readonly descriptions: readonly (readonly [
    template: string,
    format: string,
    variables: readonly string[],
  ])[];
}

const fixture = loadFixture("expressions.json") as Fixture;
const variables = json(fixture.variables) as JsonObject;

const RENDERINGS: Readonly<Record<string, (template: ChatTemplate) => string>> = {
  whole: (template) => template.render(variables),
  "in pieces": (template) => template.renderPieces(variables).join(""),
};

function outcomeOf(source: string, render: (template: ChatTemplate) => string): readonly [Outcome, string] {
  try {
    return ["text", render(compileChatTemplate(source, { clock }))];
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return [error.code === "template_invalid" ? "invalid" : "error", error.message];
  }
}

describe("compileChatTemplate() against jinja2 in the environment of transformers", () => {
  it.each(Object.entries(RENDERINGS))(
    "gives the same text or the same message for every small template, %s",
    (_, render) => {
      const differences = fixture.cases
        .map(([template, outcome, text]) => ({
          template,
          expected: [outcome, text],
          actual: outcomeOf(template, render),
        }))
        .filter(({ expected, actual }) => expected[0] !== actual[0] || expected[1] !== actual[1]);
      expect(differences).toEqual([]);
    },
  );

  it("finds the same content format and undeclared variables", () => {
    const actual = fixture.descriptions.map(([template]) => {
      const compiled = compileChatTemplate(template, { clock });
      return [template, compiled.contentFormat, [...compiled.variables].sort()];
    });
    expect(actual).toEqual(fixture.descriptions);
  });
});
