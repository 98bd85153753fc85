import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { eventually, sseEvents, startRouter } from "./start-router.ts";

interface Choice {
  readonly text: string;
  readonly finish_reason: string | null;
  readonly stop_reason: string | number | null;
  readonly token_ids: readonly number[] | null;
}

interface Answer {
  readonly choices: readonly Choice[];
  readonly usage: { readonly completion_tokens: number };
}

/** The engine can say nothing but one token, again and again. */
const BODY = {
  prompt: "Say it",
  max_tokens: 500,
  temperature: 0,
  ignore_eos: true,
  return_token_ids: true,
  logit_bias: { "300": 100 },
};

describe("repetition_detection", () => {
  it.each([1, 2])("ends each of %i sequences where it repeats itself, and the engine's work", async (n) => {
    await using engine = await startSimulator({ speed: 1 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = {
      ...BODY,
      n,
      temperature: n === 1 ? 0 : 1,
      repetition_detection: { max_pattern_size: 2, min_count: 3 },
    };
    const answer = (await (await router.post("/v1/completions", body)).json()) as Answer;
    expect(answer.choices).toHaveLength(n);
    for (const choice of answer.choices) {
      expect(choice).toMatchObject({
        finish_reason: "repetition",
        stop_reason: "repetition_detected",
        token_ids: [300, 300, 300],
      });
    }
    expect(answer.usage.completion_tokens).toBe(3 * n);
    await eventually("the engine is idle", () => router.router.inFlight() === 0);
  });

  it("says so on the chunk of the last token", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = {
      ...BODY,
      stream: true,
      min_tokens: 4,
      repetition_detection: { max_pattern_size: 1, min_count: 2 },
    };
    const text = await (await router.post("/v1/completions", body)).text();
    const chunks = sseEvents<Answer>(text).map(({ choices }) => choices[0]);
    expect(chunks.map((choice) => choice?.finish_reason)).toEqual([null, null, null, "repetition"]);
    expect(chunks.at(-1)).toMatchObject({ stop_reason: "repetition_detected", token_ids: [300] });
  });

  it("goes on to the end where nothing repeats, or where it is switched off", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    for (const repetition_detection of [
      { max_pattern_size: 0 },
      null,
      { max_pattern_size: 2, min_count: 100 },
    ]) {
      const body = { ...BODY, max_tokens: 30, repetition_detection };
      const answer = (await (await router.post("/v1/completions", body)).json()) as Answer;
      expect(answer.choices[0]).toMatchObject({ finish_reason: "length", stop_reason: null });
    }
  });
});
