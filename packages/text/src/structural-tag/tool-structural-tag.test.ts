import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DeclaredTool, ToolChoice } from "../parse/output-parser.ts";
import type { ToolStrictLevel } from "../parse/tool-parser.ts";
import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import { toolStructuralTag } from "./tool-structural-tag.ts";

interface Case {
  readonly model: string;
  readonly choice: string | { readonly function: { readonly name: string } };
  readonly level: ToolStrictLevel;
  readonly single: boolean;
  /** Place of the tag in the list; null for none. */
  readonly tag: number | null;
}

const { cases, tags } = JSON.parse(
  readFileSync(new URL("__fixtures__/structural-tags.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[]; readonly tags: readonly string[] };

/** The tools the fixtures were recorded with: the second one is strict. */
function tools(): readonly DeclaredTool[] {
  const text = readFileSync(new URL("../../../../tools/record-parsers/tools.json", import.meta.url), "utf8");
  return (parseJson(text) as readonly TemplateValue[]).map((tool, index) => {
    const definition = (tool as ReadonlyMap<string, TemplateValue>).get("function") as ReadonlyMap<
      string,
      TemplateValue
    >;
    return {
      name: definition.get("name") as string,
      parameters: definition.get("parameters"),
      strict: index === 1 ? true : undefined,
    };
  });
}

describe("toolStructuralTag()", () => {
  it.each([...new Set(cases.map(({ model }) => model))])("builds the tags of %s as vLLM does", (name) => {
    for (const { model, choice, level, single, tag } of cases.filter((entry) => entry.model === name)) {
      const toolChoice: ToolChoice =
        typeof choice === "string" ? (choice as ToolChoice) : { function: choice.function.name };
      const built = toolStructuralTag({
        tag: model,
        tools: tools(),
        toolChoice,
        strictLevel: level,
        singleCall: single,
      });
      const expected = tag === null ? null : tags[tag];
      expect({ choice, level, single, tag: built ?? null }).toEqual({ choice, level, single, tag: expected });
    }
  });

  it("constrains nothing where no tool is strict", () => {
    const request = { tag: "hermes", toolChoice: "auto", strictLevel: "auto", singleCall: false } as const;
    const lax = tools().map((tool) => ({ ...tool, strict: undefined }));
    expect(toolStructuralTag({ ...request, tools: lax })).toBeUndefined();
    expect(toolStructuralTag({ ...request, tools: [] })).toBeUndefined();
    expect(toolStructuralTag({ ...request, tools: tools(), tag: "nobody" })).toBeUndefined();
  });
});
