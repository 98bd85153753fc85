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
      specialTokens: new Map(),
      kwargs: object('{"thinking": true, "other": 1, "max_length": 5, "chat_template": "x"}'),
    });
    expect(Object.fromEntries(variables)).toEqual({
      tools: null,
      documents: null,
      add_generation_prompt: true,
      thinking: true,
    });
  });

  it("adds the special tokens that no argument is named like, those of the tokenizer at hand", () => {
    const declared = new Set(["eos_token"]);
    const named = (
      token: string,
      kwargs?: ReturnType<typeof object>,
      defaultKwargs?: ReturnType<typeof object>,
    ): unknown => {
      const specialTokens = new Map([["eos_token", token]]);
      const { variables } = templateVariables(declared, { ...base, specialTokens, kwargs, defaultKwargs });
      return variables.get("eos_token");
    };
    expect([named("a"), named("a"), named("b")]).toEqual(["a", "a", "b"]);
    const argument = object('{"eos_token": "c"}');
    expect([named("a", argument), named("a", undefined, argument), named("a")]).toEqual(["c", "c", "a"]);
  });

  it("gives each caller variables of its own", () => {
    const declared = new Set<string>();
    const settings = { ...base, specialTokens: new Map<string, string>() };
    templateVariables(declared, settings).variables.set("messages", []);
    expect(templateVariables(declared, settings).variables.has("messages")).toBe(false);
  });
});
