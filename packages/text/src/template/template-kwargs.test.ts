import { describe, expect, it } from "vitest";
import { json, type JsonObject } from "./template-fixtures.cases.ts";
import { effectiveTemplateKwargs, templateVariables } from "./template-kwargs.ts";

const base = { addGenerationPrompt: true, continueFinalMessage: false };
const object = (text: string) => json(text) as JsonObject;

describe("effectiveTemplateKwargs()", () => {
  it("lets the request override the server, and the request's fields its kwargs", () => {
    const merged = effectiveTemplateKwargs({
      ...base,
      defaultKwargs: object('{"a": 1, "b": 1, "enable_thinking": false}'),
      kwargs: object('{"b": 2, "add_generation_prompt": false}'),
      tools: [object('{"type": "function"}')],
    });
    expect(Object.fromEntries(merged)).toEqual({
      a: 1,
      b: 2,
      enable_thinking: false,
      tools: [object('{"type": "function"}')],
      add_generation_prompt: true,
      continue_final_message: false,
    });
  });

  it("lets null and auto override nothing", () => {
    const merged = effectiveTemplateKwargs({
      ...base,
      defaultKwargs: object('{"a": 1, "b": 1}'),
      kwargs: object('{"a": null, "b": "auto", "c": null}'),
    });
    expect([merged.get("a"), merged.get("b"), merged.has("c")]).toEqual([1, 1, false]);
  });

  it("switches thinking by the reasoning effort unless the request says otherwise", () => {
    const thinking = (effort: string, kwargs: string) =>
      effectiveTemplateKwargs({ ...base, reasoningEffort: effort, kwargs: object(kwargs) }).get(
        "enable_thinking",
      );
    expect(thinking("none", "{}")).toBe(false);
    expect(thinking("low", "{}")).toBe(true);
    expect(thinking("low", '{"enable_thinking": false}')).toBe(false);
    expect(thinking("low", '{"enable_thinking": null}')).toBeUndefined();
  });
});

describe("templateVariables()", () => {
  it("passes on what the template declares, and always the standard ones", () => {
    const { variables } = templateVariables(new Set(["thinking"]), {
      ...base,
      kwargs: object('{"thinking": true, "other": 1, "max_length": 5, "chat_template": "x"}'),
    });
    expect(Object.fromEntries(variables)).toEqual({
      tools: null,
      documents: null,
      add_generation_prompt: true,
      thinking: true,
    });
  });
});
