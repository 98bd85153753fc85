// What the parser of a family of models takes for one long call that comes token by token: one argument of 64 KB in pieces of four
// characters, and an eighth of it. Linear parsers take 8 times as long for the longer one, quadratic ones 64 times.
// Run: node --conditions=@vllm-router/source packages/text/bench/tool-parsers.bench.ts [FAMILY...]
import { TOOL_PARSERS } from "../src/parse/parser-registry.ts";
import type { OutputParserContext } from "../src/index.ts";

const LONG = 64 * 1024;
const SHORT = LONG / 8;
const PIECE = 4;

const value = JSON.stringify("const size = 'x' + \"y\"; // {a: [1, 2]}\n").slice(1, -1);

function call(length: number, parameters: string): string {
  return `{"name": "write", "${parameters}": {"path": "a.txt", "text": "${value.repeat(Math.ceil(length / value.length))}"}}`;
}

const FORMS: Readonly<Record<string, (length: number) => string>> = {
  hermes: (length) => `<tool_call>\n${call(length, "arguments")}\n</tool_call>`,
  llama3_json: (length) => call(length, "parameters"),
  jamba: (length) => `<tool_calls>[${call(length, "arguments")}]</tool_calls>`,
  internlm: (length) => `<|action_start|><|plugin|>${call(length, "parameters")}<|action_end|>`,
  hunyuan_a13b: (length) => `<tool_calls>[${call(length, "arguments")}]</tool_calls>`,
  xlam: (length) => `[${call(length, "arguments")}]`,
  granite4: (length) => `<tool_call>${call(length, "arguments")}</tool_call>`,
  mistral: (length) => `[TOOL_CALLS][${call(length, "arguments")}]`,
};

const MARK = /^(?:<\/?tool_calls?>|<\|[a-z_]+\|>|\[TOOL_CALLS\])/;

const tokenizer = {
  tokenId: (text: string) => (text === "[ARGS]" ? undefined : 1),
  allSpecialTokens: [],
  tokenText: () => "",
} as unknown as OutputParserContext["tokenizer"];

const context: OutputParserContext = {
  tokenizer,
  tools: [],
  toolChoice: "auto",
  promptTokenIds: [],
  templateKwargs: new Map(),
  requestKwargs: new Map(),
  includeReasoning: true,
  autoToolChoice: true,
  toolCallIds: "random",
  historyToolCalls: 0,
  random: { hexadecimal: () => "0123456789abcdef", alphanumeric: (length) => "a".repeat(length) },
};

function milliseconds(family: string, length: number): number {
  const text = FORMS[family]?.(length) ?? "";
  const parser = TOOL_PARSERS.get(family)?.create(context, false);
  const start = process.cpuUsage();
  for (let at = 0; at < text.length;) {
    const piece = MARK.exec(text.slice(at, at + 32))?.[0] ?? text.slice(at, at + PIECE);
    parser?.push(piece, [piece.length > PIECE ? 1 : 2]);
    at += piece.length;
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const families = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(FORMS);
for (const family of families) {
  milliseconds(family, SHORT);
  const short = milliseconds(family, SHORT);
  const long = milliseconds(family, LONG);
  process.stdout.write(
    `${family.padEnd(14)} ${short.toFixed(1).padStart(9)} ms ${long.toFixed(1).padStart(9)} ms  ${(long / short).toFixed(0).padStart(4)} times\n`,
  );
}
