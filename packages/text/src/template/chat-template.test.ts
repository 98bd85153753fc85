import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { compileChatTemplate } from "./chat-template.ts";
import { FIXED_CLOCK as clock, json, type JsonObject } from "./template-fixtures.cases.ts";
import { PythonFloat, type TemplateValue } from "./template-value.ts";

function render(source: string, variables: JsonObject = new Map()): string {
  return compileChatTemplate(source, { clock }).render(variables);
}

function refusal(run: () => unknown): TextError {
  try {
    run();
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("compileChatTemplate()", () => {
  it("keeps numbers and the order of keys as the JSON text had them", () => {
    const text = '{"b": 1.0, "10": 12345678901234567890, "2": 1e2, "a": [1, -0.5]}';
    const variables = new Map([["x", json(text)]]);
    expect(render("{{ x | tojson }}", variables)).toBe(
      '{"b": 1.0, "10": 12345678901234567890, "2": 100.0, "a": [1, -0.5]}',
    );
  });

  it("recognises floats by their brand, whatever class they are of", () => {
    const foreign = { isFloat: true as const, value: 3 };
    const variables = new Map<string, TemplateValue>([
      ["a", foreign],
      ["b", new PythonFloat(3)],
    ]);
    expect(render("{{ a }} {{ b }} {{ a == b == 3 }} {{ a is float }} {{ a | int }}", variables)).toBe(
      "3.0 3.0 True True 3",
    );
  });

  it("reads the clock at every rendering", () => {
    let day = 1;
    const template = compileChatTemplate("{{ strftime_now('%d') }}", {
      clock: () => ({ ...clock(), day: day++ }),
    });
    expect([template.render(new Map()), template.render(new Map())]).toEqual(["01", "02"]);
  });

  it("carries nothing from one rendering to the next", () => {
    const template = compileChatTemplate(
      "{% set ns = namespace(n=0) %}{% for m in l %}{% set ns.n = ns.n + m %}{% set last = m %}{% endfor %}{{ ns.n }}{{ last }}{{ x }}",
      { clock },
    );
    expect(template.render(new Map([["l", [1, 2]]]))).toBe("3");
    expect(
      template.render(
        new Map<string, TemplateValue>([
          ["l", [5]],
          ["x", "!"],
        ]),
      ),
    ).toBe("5!");
    expect(template.render(new Map([["l", [1, 2]]]))).toBe("3");
  });

  it("does not change the values it is given", () => {
    const list = [1, 2];
    const variables = new Map<string, TemplateValue>([["l", list]]);
    expect(refusal(() => render("{{ l.append(3) }}", variables)).message).toBe(
      "access to attribute 'append' of 'list' object is unsafe.",
    );
    render("{% set x = l + [3] %}{{ x | sort(reverse=true) | reverse | list }}", variables);
    expect(list).toEqual([1, 2]);
  });

  it("finds out what the template wants", () => {
    const template = compileChatTemplate(
      "{% for m in messages %}{% for part in m.content %}{{ part.text }}{{ tools }}{% endfor %}{% if m.role == 'developer' %}{% endif %}{% endfor %}",
      { clock },
    );
    expect(template.contentFormat).toBe("openai");
    expect(template.mentionsDeveloperRole).toBe(true);
    expect([...template.variables].sort()).toEqual(["messages", "tools"]);
  });

  it("refuses hostile templates with an error instead of breaking down", () => {
    const nested = `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`;
    expect(refusal(() => render(nested))).toMatchObject({ code: "template_invalid" });
    const endless = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    expect(refusal(() => render(endless))).toMatchObject({
      code: "template_failed",
      message: "maximum recursion depth exceeded",
    });
    const codes = [
      "{{ 'a' * 1000000000 }}",
      "{{ [1] * 1000000000 }}",
      "{{ range(1000000) }}",
      "{{ 'x'.center(2000000000) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ 10 ** (10 ** 10) }}",
      "{{ 10 ** 5000 }}",
    ].map((source) => [source, refusal(() => render(source)).code]);
    expect(codes.filter(([, code]) => code !== "template_failed")).toEqual([]);
  });

  it("refuses values nested deeper than the stack", () => {
    let value: TemplateValue = [];
    for (let depth = 0; depth < 100_000; depth++) value = [value];
    expect(refusal(() => render("{{ x | tojson }}", new Map([["x", value]])))).toMatchObject({
      code: "template_failed",
      message: "maximum recursion depth exceeded",
    });
  });

  it("says which filters make no sense in a prompt", () => {
    expect(refusal(() => render("{{ 'x' | urlize }}")).message).toBe(
      "The filter 'urlize' is not supported in chat templates.",
    );
  });
});
