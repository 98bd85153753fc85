import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import type { ContentFormat } from "./content-format.ts";
import { normalizeMessages } from "./normalize-messages.ts";
import { dumpJson, PLAIN_JSON } from "./python/json-dump.ts";
import {
  json,
  loadFixture,
  packagedConfig,
  renderBody,
  template,
  type JsonObject,
} from "./template-fixtures.cases.ts";
import { specialTokensOf } from "./template-source.ts";
import type { TemplateValue } from "./template-value.ts";

interface Fixture {
  readonly specialTokens: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly descriptions: readonly (readonly [name: string, format: string, variables: readonly string[]])[];
  readonly requests: readonly string[];
  readonly cases: readonly (readonly [name: string, request: number, outcome: string, text: string])[];
  readonly rawMessages: readonly (readonly [
    messages: string,
    format: ContentFormat,
    outcome: string,
    text: string,
  ])[];
}

const fixture = loadFixture("conversations.json") as Fixture;

function parseMessages(messages: string, contentFormat: ContentFormat): readonly [string, string] {
  try {
    const options = { contentFormat, keepsDeveloperRole: true, modelName: "the-model" };
    const normalized = normalizeMessages(json(messages) as readonly TemplateValue[], options);
    return ["messages", dumpJson(normalized, { ...PLAIN_JSON, ensureAscii: true })];
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return ["error", error.message];
  }
}

describe("chat requests against vLLM's own preparation and templates", () => {
  for (const [name, format, variables] of fixture.descriptions) {
    it(`reads the same off the syntax tree of ${name}`, () => {
      const { contentFormat, variables: found } = template(name);
      expect([contentFormat, [...found].sort()]).toEqual([format, variables]);
    });

    it(`renders every request with ${name} to the same prompt or the same refusal`, () => {
      const tokens = new Map(Object.entries(fixture.specialTokens[name] ?? {}));
      const differences = fixture.cases
        .filter(([model]) => model === name)
        .map(([, request, ...expected]) => {
          const body = fixture.requests[request] ?? "";
          const actual = renderBody(name, json(body) as JsonObject, { specialTokens: tokens });
          return { body, expected, actual };
        })
        .filter(({ expected, actual }) => expected[0] !== actual[0] || expected[1] !== actual[1]);
      expect(differences).toEqual([]);
    });
  }

  it("prepares unusual messages as vLLM's parser does", () => {
    const differences = fixture.rawMessages
      .map(([messages, format, ...expected]) => ({
        messages,
        format,
        expected,
        actual: parseMessages(messages, format),
      }))
      .filter(({ expected, actual }) => expected[0] !== actual[0] || expected[1] !== actual[1]);
    expect(differences).toEqual([]);
  });
});

describe("prompts recorded from a running vLLM", () => {
  const recorded = loadFixture("recorded-conversations.json") as readonly (readonly [
    model: string,
    body: string,
    prompt: string,
  ])[];

  it("are rendered the same", () => {
    const differences = recorded
      .map(([model, body, prompt]) => {
        const specialTokens = specialTokensOf(model === "smollm2" ? SMOLLM2_TOKENS : packagedConfig(model));
        const [, text] = renderBody(model, json(body) as JsonObject, { specialTokens });
        // The recordings are decoded token ids, and Qwen's tokenizer composes characters.
        return { body, prompt, text: model === "qwen3" ? text.normalize("NFC") : text };
      })
      .filter(({ prompt, text }) => prompt !== text);
    expect(differences).toEqual([]);
  });
});

const SMOLLM2_TOKENS = new Map([["bos_token", "<|im_start|>"]]);
