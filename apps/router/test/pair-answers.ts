import { startSimulator } from "@vllm-router/simulator";
import { expect } from "vitest";
import { startRouter, type TestRouter } from "./start-router.ts";

/** How engines of a pair are asked. */
export type PairTransport = "vllm-engine" | "vllm-inference" | "http";

/** An answer to a completion. */
export interface Completion {
  readonly choices: readonly { readonly text: string; readonly finish_reason: string }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

export const PREFILLS = /^vllm_router_pd_prefill_requests_total(?:\{.*\})? (\d+)$/gm;
export const NOT_FETCHED = /^vllm_router_pd_prefill_errors_total\{.*error_type="not_fetched".*\} (\d+)$/gm;
export const PROMPT = "The quick brown fox jumps over the lazy dog. ".repeat(12);
export const BODY = { model: "sim", prompt: PROMPT, max_tokens: 8, temperature: 0 };

/** Asks for a completion, which has to be answered. */
export async function complete(
  router: TestRouter,
  body: object = {},
  init: RequestInit = {},
): Promise<Completion> {
  const answer = await router.post("/v1/completions", { ...BODY, ...body }, init);
  const text = await answer.text();
  expect([answer.status, answer.status === 200 ? "" : text]).toEqual([200, ""]);
  return JSON.parse(text) as Completion;
}

async function askAlone(body: object): Promise<Completion> {
  await using engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
  await using router = await startRouter([`grpc://${engine.address}`]);
  return await complete(router, body);
}

const saidAlone = new Map<string, Promise<Completion>>();

/** What one engine alone says; asked once for each body. */
export function alone(body: object = {}): Promise<Completion> {
  const key = JSON.stringify(body);
  const said = saidAlone.get(key) ?? askAlone(body);
  saidAlone.set(key, said);
  return said;
}

/** Sum of what a pattern finds in the metrics. */
export async function metric(router: TestRouter, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${router.url}/metrics`)).text();
  return [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}
