import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import { createTokenizer } from "../tokenizer/create-tokenizer.ts";
import { readTokenizerFiles, type TestModel } from "../tokenizer/installed-tokenizer.cases.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { OutputDelta, OutputParser, OutputParserContext, ToolChoice } from "./output-parser.ts";
import {
  createOutputParser,
  type ParserSelection,
  REASONING_PARSERS,
  TOOL_PARSERS,
} from "./parser-registry.ts";

/** What the client gets, as the recorder wrote it down. */
type Wire = Readonly<Record<string, unknown>> | null;

/** reasoning, content, calls as [id, name, arguments], reasoning tokens. */
type Collected = readonly [
  string | null,
  string | null,
  readonly (readonly unknown[])[] | null,
  number | null,
];

interface Stream {
  /** Tokens and code points of each output. */
  readonly chunks: readonly (readonly [number, number])[];
  readonly deltas: readonly Wire[];
  readonly reasoningTokens: number | null;
}

interface Case {
  readonly name: string;
  readonly toolParser?: string | null;
  readonly reasoningParser?: string | null;
  readonly tools?: false;
  readonly templateKwargs?: Readonly<Record<string, unknown>>;
  readonly request?: Readonly<Record<string, unknown>>;
  readonly promptIds: readonly number[];
  readonly promptEndsReasoning: boolean | null;
  readonly ids: readonly number[];
  readonly texts: readonly string[];
  readonly streams: readonly Stream[];
  readonly cuts: readonly (readonly [Wire, Collected | "same"])[];
  readonly collected: Collected;
}

/** A file of `__fixtures__`, written by tools/record-parsers. */
interface Fixture {
  readonly toolParser?: string;
  readonly reasoningParser?: string;
  readonly harmony?: boolean;
  /** The tokenizer, where it is not that of Qwen 3. */
  readonly tokenizer?: TestModel;
  readonly endOfSequence?: number;
  readonly modelType?: string;
  readonly addedTokens?: readonly (string | { readonly content: string; readonly special: boolean })[];
  readonly cases: readonly Case[];
}

const TOOLS = parseJson(
  readFileSync(new URL("../../../../tools/record-parsers/tools.json", import.meta.url), "utf8"),
) as readonly TemplateValue[];

/**
 * Runs the parsers of a recorded family over its texts: streamed in every recorded way, cut after every token, collected.
 * Whatever differs from what vLLM made of them fails.
 *
 * @param whole the parser that replaces the two families, where there is one
 */
export function describeRecordedParser(family: string, whole?: ParserSelection["whole"]): void {
  const fixture = JSON.parse(
    readFileSync(new URL(`__fixtures__/${family}.json`, import.meta.url), "utf8"),
  ) as Fixture;
  describe(`parsers of ${family}, as vLLM's`, () => {
    const tokenizer = testTokenizer(fixture);
    const endOfSequence = fixture.endOfSequence ?? EOS;
    for (const recorded of fixture.cases) {
      describe(`text: ${recorded.name}`, () => {
        const make = (): OutputParser => makeParser({ fixture, recorded, tokenizer, whole });
        it.each(recorded.streams.map((stream, index) => [index, stream] as const))(
          "streams (%i)",
          (_index, stream) => {
            const parser = make();
            expect(replay(parser, recorded, { ...stream, endOfSequence })).toEqual(stream.deltas);
            expect(parser.reasoningTokens() ?? null).toBe(stream.reasoningTokens);
          },
        );
        it("is cut after every token, and collected", () => {
          checkCuts(make, recorded);
          expect(collect(make(), [...recorded.ids, endOfSequence], recorded.texts.join(""))).toEqual(
            recorded.collected,
          );
        });
        it("knows from the prompt whether reasoning is over", () => {
          expect(make().promptEndsReasoning ?? false).toBe(recorded.promptEndsReasoning ?? false);
        });
      });
    }
  });
}

/** The texts of a recorded family, each with its tokens and a way to make its parser. */
export function recordedCases(family: string): readonly {
  readonly name: string;
  readonly texts: readonly string[];
  readonly ids: readonly number[];
  readonly make: () => OutputParser;
}[] {
  const fixture = JSON.parse(
    readFileSync(new URL(`__fixtures__/${family}.json`, import.meta.url), "utf8"),
  ) as Fixture;
  const tokenizer = testTokenizer(fixture);
  return fixture.cases.map((recorded) => ({
    name: recorded.name,
    texts: recorded.texts,
    ids: recorded.ids,
    make: () => makeParser({ fixture, recorded, tokenizer, whole: undefined }),
  }));
}

const EOS = 151645;

/** The family's tokenizer, or that of Qwen 3 with the tokens of the family. */
function testTokenizer(fixture: Fixture): Tokenizer {
  const files = readTokenizerFiles(fixture.tokenizer ?? "qwen3");
  const added = fixture.addedTokens ?? [];
  if (added.length === 0) return createTokenizer(files);
  const json = JSON.parse(files.tokenizerJson) as { added_tokens: { id: number; content: string }[] };
  let id = Math.max(...json.added_tokens.map((token) => token.id));
  for (const token of added) {
    const { content, special } = typeof token === "string" ? { content: token, special: false } : token;
    if (json.added_tokens.some((known) => known.content === content)) continue;
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special };
    json.added_tokens.push({ id: ++id, content, ...flags });
  }
  return createTokenizer({ ...files, tokenizerJson: JSON.stringify(json) });
}

function makeParser(options: {
  readonly fixture: Fixture;
  readonly recorded: Case;
  readonly tokenizer: Tokenizer;
  readonly whole: ParserSelection["whole"];
}): OutputParser {
  const { fixture, recorded } = options;
  const toolName = recorded.toolParser === undefined ? fixture.toolParser : recorded.toolParser;
  const reasoningName =
    recorded.reasoningParser === undefined ? fixture.reasoningParser : recorded.reasoningParser;
  const selection = {
    tool: found(TOOL_PARSERS, toolName),
    reasoning: found(REASONING_PARSERS, reasoningName),
    whole: options.whole,
  };
  return createOutputParser(selection, contextOf(options));
}

function found<T>(families: ReadonlyMap<string, T>, name: string | null | undefined): T | undefined {
  if (name === undefined || name === null) return undefined;
  const family = families.get(name);
  if (family === undefined) throw new RangeError(`no parser is called ${name}`);
  return family;
}

function contextOf(options: {
  readonly fixture: Fixture;
  readonly recorded: Case;
  readonly tokenizer: Tokenizer;
}): OutputParserContext {
  const { fixture, recorded } = options;
  const request = recorded.request ?? {};
  const requestKwargs = asMap(request["chat_template_kwargs"]);
  return {
    tokenizer: options.tokenizer,
    tools: recorded.tools === false ? [] : declaredTools(),
    toolChoice: recorded.tools === false ? "none" : toolChoiceOf(request["tool_choice"]),
    promptTokenIds: recorded.promptIds,
    templateKwargs: recorded.templateKwargs === undefined ? requestKwargs : asMap(recorded.templateKwargs),
    requestKwargs,
    includeReasoning: request["include_reasoning"] !== false,
    autoToolChoice: true,
    toolCallIds: fixture.modelType?.startsWith("kimi") === true ? "kimi_k2" : "random",
    historyToolCalls: 0,
    random: { hexadecimal: () => "0".repeat(16), alphanumeric: (length) => "0".repeat(length) },
  };
}

function asMap(value: unknown): ReadonlyMap<string, TemplateValue> {
  return parseJson(JSON.stringify(value ?? {})) as ReadonlyMap<string, TemplateValue>;
}

function declaredTools(): OutputParserContext["tools"] {
  return TOOLS.map((tool) => {
    const definition = (tool as ReadonlyMap<string, TemplateValue>).get("function") as ReadonlyMap<
      string,
      TemplateValue
    >;
    const parameters = definition.get("parameters");
    return { name: definition.get("name") as string, parameters, strict: undefined };
  });
}

function toolChoiceOf(value: unknown): ToolChoice {
  if (value === undefined) return "auto";
  if (typeof value === "string") return value as ToolChoice;
  return { function: (value as { function: { name: string } }).function.name };
}

function replay(
  parser: OutputParser,
  recorded: Case,
  stream: Stream & { readonly endOfSequence: number },
): readonly Wire[] {
  const characters = [...recorded.texts.join("")];
  const ids = [...recorded.ids, stream.endOfSequence];
  let token = 0;
  let character = 0;
  return stream.chunks.map(([tokens, length], index) => {
    const piece = characters.slice(character, (character += length)).join("");
    const pieceIds = ids.slice(token, (token += tokens));
    return wire(parser.push(piece, pieceIds, index === stream.chunks.length - 1));
  });
}

function checkCuts(make: () => OutputParser, recorded: Case): void {
  let before: Collected | undefined;
  recorded.cuts.forEach(([last, collected], index) => {
    const length = index + 1;
    const parser = make();
    let delta: OutputDelta | undefined;
    for (let at = 0; at < length; at++) {
      delta = parser.push(recorded.texts[at] ?? "", [recorded.ids[at] ?? 0], at === length - 1);
    }
    expect({ length, delta: wire(delta) }).toEqual({ length, delta: last });
    const expected: Collected | undefined = collected === "same" ? before : collected;
    before = expected;
    const text = recorded.texts.slice(0, length).join("");
    expect({ length, parsed: collect(make(), recorded.ids.slice(0, length), text) }).toEqual({
      length,
      parsed: expected,
    });
  });
}

function collect(parser: OutputParser, ids: readonly number[], text: string): unknown {
  const { reasoning, content, toolCalls } = parser.parse(text, ids);
  const calls = toolCalls?.map((call) => [call.id ?? null, call.name, call.arguments]) ?? null;
  return [reasoning, content, calls, parser.reasoningTokens() ?? null];
}

/** A delta as JSON has it: absent keys are absent. */
function wire(delta: OutputDelta | undefined): Wire {
  if (delta === undefined) return null;
  const { content, reasoning, toolCalls } = delta;
  return {
    ...(content !== undefined && { content }),
    ...(reasoning !== undefined && { reasoning }),
    ...(toolCalls !== undefined &&
      toolCalls.length > 0 && {
        tool_calls: toolCalls.map((call) => ({
          ...(call.id !== undefined && { id: call.id }),
          ...((typeof call.id === "string" || call.type !== undefined) && { type: "function" }),
          index: call.index,
          function: {
            ...(call.name !== undefined && { name: call.name }),
            ...(call.arguments !== undefined && { arguments: call.arguments }),
          },
        })),
      }),
  };
}
