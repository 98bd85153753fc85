import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { json, loadFixture, packagedConfig, type JsonObject } from "./template-fixtures.cases.ts";
import { chatTemplateSource, specialTokensOf } from "./template-source.ts";

const named = json(
  '[{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}, {"name": "rag", "template": "R"}]',
);

describe("chatTemplateSource()", () => {
  it("takes the only template with and without tools", () => {
    expect(chatTemplateSource({ configTemplate: "X" }, true)).toBe("X");
    expect(chatTemplateSource({ configTemplate: "X" }, false)).toBe("X");
  });

  it("prefers tool_use when the request has tools", () => {
    expect(chatTemplateSource({ configTemplate: named }, true)).toBe("T");
    expect(chatTemplateSource({ configTemplate: named }, false)).toBe("D");
    expect(chatTemplateSource({ configTemplate: [{ name: "default", template: "P" }] }, true)).toBe("P");
  });

  it("prefers chat_template.jinja over the tokenizer's configuration", () => {
    expect(chatTemplateSource({ chatTemplateFile: "F", configTemplate: named }, true)).toBe("F");
    const additionalTemplates = new Map([["tool_use", "A"]]);
    expect(chatTemplateSource({ chatTemplateFile: "F", additionalTemplates }, true)).toBe("A");
    expect(chatTemplateSource({ chatTemplateFile: "F", additionalTemplates }, false)).toBe("F");
  });

  it("takes a requested template by name or as text", () => {
    expect(chatTemplateSource({ configTemplate: named }, false, "rag")).toBe("R");
    expect(chatTemplateSource({ configTemplate: named }, false, "{{ x }}")).toBe("{{ x }}");
    expect(chatTemplateSource({ configTemplate: "X" }, false, "rag")).toBe("rag");
    expect(chatTemplateSource({}, false, "{{ x }}")).toBe("{{ x }}");
  });

  it("finds none where there is none", () => {
    expect(chatTemplateSource({}, false)).toBeUndefined();
    expect(chatTemplateSource({ configTemplate: null }, false)).toBeUndefined();
    expect(
      chatTemplateSource({ configTemplate: json('[{"name": "rag", "template": "R"}]') }, true),
    ).toBeUndefined();
  });

  it("refuses what is no template", () => {
    expect(() => chatTemplateSource({ configTemplate: 5 }, false)).toThrow(TextError);
  });
});

describe("specialTokensOf()", () => {
  const { specialTokens } = loadFixture("conversations.json") as {
    readonly specialTokens: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };

  for (const model of ["deepseek_v3", "gemma3", "llama3_1", "llama3_2", "mistral_nemo", "qwen3"]) {
    it(`finds the tokens transformers finds for ${model}`, () => {
      expect(Object.fromEntries(specialTokensOf(packagedConfig(model)))).toEqual(specialTokens[model]);
    });
  }

  it("takes named extra tokens", () => {
    const config = json('{"bos_token": null, "extra_special_tokens": {"think_token": {"content": "<t>"}}}');
    expect([...specialTokensOf(config as JsonObject)]).toEqual([["think_token", "<t>"]]);
  });
});
