import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenizer } from "../../tokenizer/create-tokenizer.ts";
import { readTokenizerFiles } from "../../tokenizer/installed-tokenizer.cases.ts";
import { qwen3Format } from "../families/qwen3.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { EngineParser } from "./engine-parser.ts";
import type { OutputFormat } from "./output-format.ts";

const text = { parameters: new Map([["properties", new Map([["t", new Map([["type", "string"]])]])]]) };

const context: OutputParserContext = {
  tokenizer: createTokenizer(readTokenizerFiles("qwen3")),
  tools: [
    { name: "f", strict: undefined, ...text },
    { name: "g", strict: undefined, parameters: undefined },
  ],
  toolChoice: "auto",
  promptTokenIds: [],
  templateKwargs: new Map(),
  requestKwargs: new Map(),
  includeReasoning: true,
  autoToolChoice: true,
  toolCallIds: "random",
  historyToolCalls: 0,
  random: { hexadecimal: () => "0", alphanumeric: () => "0" },
};

const FAST = qwen3Format(false);
const { openValue: _left, ...SLOW } = FAST;

function streamed(format: OutputFormat, pieces: readonly string[]): readonly unknown[] {
  const parser = new EngineParser(format, context, { skipTools: false, skipReasoning: true });
  return [...pieces.map((piece) => parser.stream(piece, [])), parser.finish()];
}

const piece = constantFrom(
  ...'a,b c,\n,\n\n,<,>,</,/parameter>,</parameter>,<parameter=t>,<parameter=u>,\n<parameter=,t>,=, ,",\\,é😀,< p,p,< b>,</function>'.split(
    ",",
  ),
);

describe("a long text argument", () => {
  it.each(["f", "g"])("is streamed as if it were read anew with every piece (%s)", (name) => {
    assert(
      property(array(piece, { maxLength: 30 }), (pieces) => {
        const all = [`<tool_call>\n<function=${name}>\n<parameter=t>\n`, "x", ...pieces];
        expect(streamed(FAST, all)).toEqual(streamed(SLOW, all));
      }),
      { numRuns: 400 },
    );
  });
});
