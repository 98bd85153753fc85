import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import { createTokenizer } from "../tokenizer/create-tokenizer.ts";
import { readTokenizerFiles } from "../tokenizer/installed-tokenizer.cases.ts";
import { renderHarmony } from "./render-harmony.ts";

type Fields = ReadonlyMap<string, TemplateValue>;

const FIXTURE = parseJson(
  readFileSync(new URL("__fixtures__/conversations.json", import.meta.url), "utf8"),
) as Fields;
const CASES = (FIXTURE.get("cases") as readonly Fields[]).map(
  (recorded) => [recorded.get("name") as string, recorded] as const,
);

describe("conversations with gpt-oss, as vLLM renders them", () => {
  const tokenizer = createTokenizer(readTokenizerFiles("gptoss"));

  function render(recorded: Fields): readonly number[] {
    const request = recorded.get("request") as Fields;
    const conversation = {
      messages: request.get("messages") as readonly TemplateValue[],
      tools: (request.get("tools") ?? null) as readonly TemplateValue[] | null,
      reasoningEffort: (request.get("reasoning_effort") ?? null) as string | null,
      startDate: "2026-11-27",
    };
    return Array.from(renderHarmony(conversation, tokenizer));
  }

  it.each(CASES.filter(([, recorded]) => recorded.has("ids")))("%s", (_name, recorded) => {
    expect(render(recorded)).toEqual(recorded.get("ids"));
  });

  it.each(CASES.filter(([, recorded]) => recorded.has("error")))("%s is refused", (_name, recorded) => {
    expect(() => render(recorded)).toThrow(recorded.get("error") as string);
  });
});
