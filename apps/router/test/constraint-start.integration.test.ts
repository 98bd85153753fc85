import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { constraintStartFields, type ToldStart } from "../src/pipeline/constraint-start.ts";
import { recordedModel } from "./recorded-model.ts";
import { startHttpWorker, type HttpWorker } from "./http-worker.ts";
import { startRouter, type TestRouter } from "./start-router.ts";

const CHAT = "/v1/chat/completions";
const GENERATE = "/inference/v1/generate";
const RESPONSES = "/v1/responses";
const FLAGS = ["--reasoning-parser", "qwen3", "--enable-scale-out"];

const choice = { choice: ["yes", "no"] };
const hidden = { include_reasoning: false };
const unhelpfulKwargs = { chat_template_kwargs: { enable_thinking: 0 } };

interface Case {
  readonly name: string;
  readonly path: string;
  readonly body: object;
  /** The field that is refused where no engine carries it; undefined where every engine does. */
  readonly field?: string;
}

const generate = (constrained: boolean, extra: object): object => ({
  token_ids: [9, 10],
  sampling_params: { max_tokens: 2, ...(constrained ? { structured_outputs: choice } : {}) },
  ...extra,
});

const CASES: readonly Case[] = [
  {
    name: "a hidden thought",
    path: CHAT,
    body: { ...hidden, structured_outputs: choice },
    field: "include_reasoning",
  },
  {
    name: "a hidden thought, streamed",
    path: CHAT,
    body: { ...hidden, structured_outputs: choice, stream: true },
    field: "include_reasoning",
  },
  { name: "a hidden thought without a constraint", path: CHAT, body: hidden },
  { name: "a shown thought", path: CHAT, body: { structured_outputs: choice } },
  {
    name: "a thought that the prompt does not show to be off",
    path: CHAT,
    body: { ...unhelpfulKwargs, response_format: { type: "json_object" } },
    field: "chat_template_kwargs",
  },
  {
    name: "thinking said to be on",
    path: CHAT,
    body: { structured_outputs: choice, chat_template_kwargs: { enable_thinking: true } },
  },
  { name: "the same without a constraint", path: CHAT, body: unhelpfulKwargs },
  {
    name: "a hidden response: the parser alone decides",
    path: RESPONSES,
    body: { ...hidden, input: "Yes?", structured_outputs: choice },
  },
  {
    name: "a response that is told not to think",
    path: RESPONSES,
    body: { ...unhelpfulKwargs, input: "Yes?", structured_outputs: choice },
    field: "chat_template_kwargs",
  },
  {
    name: "tokens whose thought is said to be over",
    path: GENERATE,
    body: generate(true, { reasoning_ended: true }),
    field: "reasoning_ended",
  },
  {
    name: "tokens whose thought is said to go on",
    path: GENERATE,
    body: generate(true, { reasoning_ended: false }),
  },
  { name: "tokens without a constraint", path: GENERATE, body: generate(false, { reasoning_ended: true }) },
  {
    name: "tokens of a parser that is told not to think",
    path: GENERATE,
    body: generate(true, { reasoning_parser_kwargs: unhelpfulKwargs }),
    field: "reasoning_parser_kwargs",
  },
];

describe("a constraint on an engine that waits for the end of a thought", () => {
  let waiting: Simulator;
  let eager: Simulator;
  let worker: HttpWorker;
  const routers = new Map<string, TestRouter>();

  beforeAll(async () => {
    const servedModelNames = ["m"];
    waiting = await startSimulator({ speed: 0, servedModelNames, reasoningParser: "qwen3" });
    eager = await startSimulator({ speed: 0, servedModelNames });
    worker = await startHttpWorker(["m"], (_request, response) => {
      response.end("{}");
    });
    const [first, second] = [waiting, eager].map((engine) => `http://${engine.address}`) as [string, string];
    routers.set("alone", await startRouter([first], FLAGS));
    routers.set("eager", await startRouter([second], FLAGS));
    routers.set("both", await startRouter([first, second], FLAGS));
    routers.set("http", await startRouter([first, worker.url], FLAGS));
  });

  afterAll(async () => {
    for (const router of routers.values()) await router[Symbol.asyncDispose]();
    await Promise.all([waiting, eager, worker].map(async (each) => each[Symbol.asyncDispose]()));
  });

  async function ask(router: string, { path, body }: Case): Promise<readonly [number, string]> {
    const answer = await routers
      .get(router)
      ?.post(path, { model: "m", messages: [{ role: "user", content: "Yes?" }], max_tokens: 4, ...body });
    return [answer?.status ?? 0, (await answer?.text()) ?? ""];
  }

  it.each(CASES)("$name: refused by its name where nothing carries it", async (given) => {
    const [status, text] = await ask("alone", given);
    const param = /"param":"(.*?)"/.exec(text)?.[1];
    expect([status, param]).toEqual(given.field === undefined ? [200, undefined] : [501, given.field]);
  });

  it.each(CASES)("$name: at home on an engine that does not wait", async (given) => {
    expect((await ask("eager", given))[0]).toBe(200);
    const before = waiting.requests.length;
    expect((await ask("both", given))[0]).toBe(200);
    const most = given.field === undefined ? 1 : 0;
    expect(waiting.requests.length - before).toBeLessThanOrEqual(most);
  });

  it.each(CASES)("$name: passed on to an HTTP worker that carries it", async (given) => {
    const before = worker.requests.length;
    expect((await ask("http", given))[0]).toBe(200);
    expect(worker.requests.slice(before)).toEqual(given.field === undefined ? [] : [`POST ${given.path}`]);
  });
});

describe("constraintStartFields()", () => {
  const hiddenThought: ToldStart = { isOver: { value: true, by: "include_reasoning" } };
  const notThinking = new Map([["enable_thinking", false]]);
  const told: ToldStart = { kwargs: { value: notThinking, by: "chat_template_kwargs" } };
  const parsers = { toolParser: null, reasoningParser: "qwen3" };

  async function fields(
    prompt: string,
    start: ToldStart,
    constraintsAwait?: string,
  ): Promise<readonly string[]> {
    const model = await recordedModel({}, "{{ messages[0].content }}", parsers);
    return constraintStartFields(
      { ...model, constraintsAwait },
      model.tokenizer.encode(prompt, false),
      start,
    );
  }

  it("names what the prompt does not show", async () => {
    expect(await fields("<think>\n", hiddenThought, "qwen3")).toEqual(["include_reasoning"]);
    expect(await fields("<think>\n\n</think>\n\n", hiddenThought, "qwen3")).toEqual([]);
    expect(await fields("<think>\n", told, "qwen3")).toEqual(["chat_template_kwargs"]);
    expect(await fields("<think>\n\n</think>\n\n", told, "qwen3")).toEqual([]);
    expect(await fields("<think>\n", {}, "qwen3")).toEqual([]);
  });

  it("asks the server's parser where the first engine does not say", async () => {
    expect(await fields("<think>\n", hiddenThought)).toEqual(["include_reasoning"]);
    expect(await fields("</think>", hiddenThought)).toEqual([]);
  });

  it("takes nothing for granted of a parser that it does not know", async () => {
    expect(await fields("</think>", hiddenThought, "nobody")).toEqual(["include_reasoning"]);
    expect(await fields("<think>", told, "nobody")).toEqual([]);
  });
});
