import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { type CompletionPrompt, completionPrompts } from "./completion-prompts.ts";
import { parseCompletionRequest } from "./completion-request.ts";
import { checkMediaArguments } from "./media-arguments.ts";

function prompts(fields: string): readonly CompletionPrompt[] {
  return completionPrompts(parseCompletionRequest(parseJson(`{${fields}}`)));
}

describe("completionPrompts()", () => {
  it("tells one prompt from several, text from tokens", () => {
    expect(prompts('"prompt":"a"')).toEqual([{ kind: "text", text: "a" }]);
    expect(prompts('"prompt":["a","b"]')).toEqual([
      { kind: "text", text: "a" },
      { kind: "text", text: "b" },
    ]);
    expect(prompts('"prompt":[1,true]')).toEqual([{ kind: "tokens", tokenIds: [1, 1] }]);
    expect(prompts('"prompt":[[1],[]]')).toEqual([
      { kind: "tokens", tokenIds: [1] },
      { kind: "tokens", tokenIds: [] },
    ]);
    expect(prompts('"prompt":"a","prompt_embeds":["x"]')).toEqual([
      { kind: "embeds", data: "x" },
      { kind: "text", text: "a" },
    ]);
  });

  it("refuses no prompt at all", () => {
    expect(() => prompts('"prompt":[]')).toThrow("You must pass at least one prompt");
  });
});

describe("checkMediaArguments()", () => {
  const none = { mmProcessorKwargs: null, mediaIoKwargs: new Map() };

  it("refuses what the server does not trust", () => {
    expect(() => checkMediaArguments(none, false)).not.toThrow();
    const processor = { ...none, mmProcessorKwargs: new Map([["a", 1]]) };
    expect(() => checkMediaArguments(processor, false)).toThrow("(parameter=mm_processor_kwargs)");
    expect(() => checkMediaArguments(processor, true)).not.toThrow();
    const reader = { ...none, mediaIoKwargs: new Map([["a", 1]]) };
    expect(() => checkMediaArguments(reader, false)).toThrow("(parameter=media_io_kwargs)");
  });
});
