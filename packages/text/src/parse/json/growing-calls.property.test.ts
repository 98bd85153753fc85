import { array, assert, constantFrom, integer, json, oneof, property, string } from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTokenizer } from "../../tokenizer/create-tokenizer.ts";
import { readTokenizerFiles } from "../../tokenizer/installed-tokenizer.cases.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { TOOL_PARSERS } from "../parser-registry.ts";
import { GrowingCalls } from "./growing-calls.ts";

/** How each family writes calls; marks come in one piece, as the tokens they are. */
const FORMS: Readonly<Record<string, (calls: readonly string[]) => readonly string[]>> = {
  llama3_json: (calls) => [calls.join("; ")],
  jamba: (calls) => ["Some text ", "<tool_calls>", `[${calls.join(", ")}]`, "</tool_calls>"],
  internlm: (calls) => ["Some text ", "<|action_start|>", "<|plugin|>", calls[0] ?? "", "<|action_end|>"],
};

const qwen = readTokenizerFiles("qwen3");
const tokenizer = createTokenizer(qwen);

function context(): OutputParserContext {
  let ids = 0;
  return {
    tokenizer: Object.assign(Object.create(tokenizer) as typeof tokenizer, { tokenId: () => 7 }),
    tools: [],
    toolChoice: "auto",
    promptTokenIds: [],
    templateKwargs: new Map(),
    requestKwargs: new Map(),
    includeReasoning: true,
    autoToolChoice: true,
    toolCallIds: "random",
    historyToolCalls: 0,
    random: {
      hexadecimal: () => String(ids++),
      alphanumeric: () => String(ids++),
    },
  };
}

function piecesOf(parts: readonly string[], sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  let turn = 0;
  for (const part of parts) {
    if (/^<\|?\/?[a-z_]+\|?>$/.test(part)) {
      pieces.push(part);
      continue;
    }
    for (let at = 0; at < part.length;) {
      let end = at + (sizes[turn++ % sizes.length] ?? 1);
      // Pieces hold whole characters.
      if (/[\ud800-\udbff]/.test(part.charAt(end - 1))) end++;
      pieces.push(part.slice(at, end));
      at = end;
    }
  }
  return pieces;
}

function stream(family: string, pieces: readonly string[]): unknown[] {
  const parser = TOOL_PARSERS.get(family)?.create(context(), false);
  const deltas: unknown[] = pieces.map((piece) =>
    parser?.push(piece, piece.startsWith("<") && piece.endsWith(">") ? [7] : [1]),
  );
  return [...deltas, parser?.unstreamedArguments()];
}

/** Texts as they make long arguments: words, code with escapes, lines of one sign, other scripts. */
const longText = array(
  oneof(
    constantFrom(
      "const size = 'x' + \"y\"; // {a: [1, 2]}\n",
      "\\",
      '\t"{',
      "------",
      "    ",
      "\u0001",
      "東京",
      "🙂",
    ),
    string({ maxLength: 12 }),
  ),
  { maxLength: 8 },
).map((parts) => parts.join("").repeat(9).slice(0, 900));

const longValue = oneof(
  longText,
  array(
    oneof(
      integer(),
      json({ maxDepth: 1 }).map((text) => JSON.parse(text) as unknown),
    ),
    {
      maxLength: 60,
    },
  ),
  longText.map((text) => ({ list: [[1.5, 1e30, null, true, text]], "a name": 1 })),
);

const call = array(longValue, { minLength: 0, maxLength: 2 }).chain((values) =>
  constantFrom(0, 1, 2).map((style) => {
    const given = Object.fromEntries(values.map((value, index) => [`key ${index}`, value]));
    const text = JSON.stringify({ name: "write", arguments: given }, null, style);
    // Everything but ASCII as escapes, for some.
    return style === 1
      ? text.replaceAll(
          /[\u0080-\uffff]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
        )
      : text;
  }),
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(Object.keys(FORMS))("calls of %s that are kept short", (family) => {
  it("are told as if they were not", () => {
    assert(
      property(
        array(call, { minLength: 1, maxLength: 2 }),
        array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
        (calls, sizes) => {
          const pieces = piecesOf(FORMS[family]?.(calls) ?? [], sizes);
          const short = stream(family, pieces);
          const whole = vi.spyOn(GrowingCalls.prototype, "shorten").mockReturnValue(undefined);
          const long = stream(family, pieces);
          whole.mockRestore();
          expect(short).toEqual(long);
        },
      ),
      { numRuns: 100 },
    );
  });
});

const LONG_VALUES: Readonly<Record<string, string>> = {
  "a text": JSON.stringify('some text with "quotes" and\nlines '.repeat(1000)),
  escapes: JSON.stringify("東京 ".repeat(2000)).replaceAll(/[\u0080-\uffff]/g, "\\u6771"),
  "a list": JSON.stringify(Array.from({ length: 2000 }, (_, at) => ({ at, name: `n${at}` }))),
};

describe("the text that is read with each piece", () => {
  it.each([
    ["llama3_json", "a text"],
    ["llama3_json", "escapes"],
    ["llama3_json", "a list"],
    ["internlm", "a text"],
    ["internlm", "a list"],
    // Where vLLM's parser tells pieces that do not make up the arguments, nothing is left out: Jamba's of a list of objects, and
    // InternLM's of arguments that begin with escapes.
    ["jamba", "a text"],
    ["jamba", "escapes"],
  ])("stays short (%s, %s)", (family, name) => {
    const lengths: number[] = [];
    const add = vi.spyOn(GrowingCalls.prototype, "add").mockImplementation(function (
      this: GrowingCalls,
      piece,
    ) {
      this.text += piece;
      lengths.push(this.text.length);
    });
    const text = `{"name": "write", "arguments": {"path": "a.txt", "value": ${LONG_VALUES[name] ?? ""}}}`;
    expect(text.length).toBeGreaterThan(25_000);
    stream(family, piecesOf(FORMS[family]?.([text]) ?? [], [4]));
    expect(add).toHaveBeenCalled();
    expect(lengths.length).toBeGreaterThan(6000);
    expect(Math.max(...lengths)).toBeLessThan(2000);
  });
});
