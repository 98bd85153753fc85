import { describe, expect, it } from "vitest";
import type { OutputDelta, OutputParserContext } from "../output-parser.ts";
import { hunyuanReasoning } from "./hunyuan.ts";

type Token = readonly [id: number, text: string];

const START: readonly Token[] = [
  [14023, "<th"],
  [771, "ink"],
  [397, ">\n"],
];
const ANSWER: readonly Token[] = [
  [198, "\n"],
  [524, "</"],
  [27963, "think"],
  [397, ">\n"],
  [27, "<"],
  [9399, "answer"],
  [397, ">\n"],
];

/** What each token says, and whether the reasoning is over behind it; expectations were taken from vLLM 0.32. */
function stream(tokens: readonly Token[]): readonly (readonly [OutputDelta | undefined, boolean])[] {
  const parser = hunyuanReasoning.create({} as OutputParserContext);
  return tokens.map(([id, text]) => [parser.push(text, [id]), parser.reasoningEnded([id])]);
}

const reasoning = (text: string): OutputDelta => ({ content: null, reasoning: text, toolCalls: undefined });
const content = (text: string): OutputDelta => ({ content: text, reasoning: null, toolCalls: undefined });
const silent = [undefined, false] as const;

describe("reasoning of Hunyuan A13B", () => {
  it("streams what stands between the marks", () => {
    expect(stream([...START, [1, "so"], [198, "\n"], [2, "it"], ...ANSWER])).toEqual([
      silent,
      silent,
      silent,
      [reasoning("so"), false],
      silent,
      [reasoning("\nit"), false],
      silent,
      silent,
      silent,
      silent,
      silent,
      silent,
      [undefined, true],
    ]);
  });

  it("knows the marks of empty reasoning", () => {
    const empty: readonly Token[] = [...START.slice(0, 2), [1363, ">\n\n"], ...ANSWER.slice(1), [1, "x"]];
    expect(stream(empty).slice(-2)).toEqual([
      [undefined, true],
      [content("x"), true],
    ]);
  });

  it("gives out what only began like a mark", () => {
    expect(stream([[1, "Yes"], ...START.slice(0, 1), [5, "at"]])).toEqual([
      [content("Yes"), false],
      silent,
      [content("<that"), false],
    ]);
  });

  it.each([
    ["<think>\nso\n</think>\n<answer>\nYes\n</answer>", "so", "Yes"],
    ["<think>\nso\n</think>\n<answer>\nYes", "so", "Yes"],
    ["plain", null, "plain"],
    ["Yes\n</answer>", null, "Yes"],
    ["<think>\n\n</think>\n<answer>\n\n</answer>", null, null],
    ["<think>\nso", null, "<think>\nso"],
  ])("takes %j apart", (text, thought, answer) => {
    const parser = hunyuanReasoning.create({} as OutputParserContext);
    expect(parser.extract(text)).toEqual({ reasoning: thought, content: answer });
  });
});
