import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { sseEvents, startRouter } from "./start-router.ts";

interface Answer {
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly finish_reason: string;
    readonly token_ids: readonly number[] | null;
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

describe("POST /v1/completions", () => {
  it("spreads a list of prompts over the engines and keeps their order", async () => {
    await using first = await startSimulator({ speed: 0 });
    await using second = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${first.address}`, `http://${second.address}`],
      ["--policy", "round_robin"],
    );
    const prompts = ["One engine", "Two engines", "Three engines", "Four engines"];
    const together = (await (
      await router.post("/v1/completions", { prompt: prompts, max_tokens: 8, temperature: 0 })
    ).json()) as Answer;
    expect(together.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3]);
    for (const [at, prompt] of prompts.entries()) {
      const alone = (await (
        await router.post("/v1/completions", { prompt, max_tokens: 8, temperature: 0 })
      ).json()) as Answer;
      expect(together.choices[at]?.text).toBe(alone.choices[0]?.text);
    }
    expect(first.requests.length).toBeGreaterThanOrEqual(2);
    expect(second.requests.length).toBeGreaterThanOrEqual(2);
    expect(router.router.inFlight()).toBe(0);
  });

  it("takes token ids and gives them back", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const { tokens } = (await (
      await router.post("/tokenize", { prompt: "The road goes ever on" })
    ).json()) as { tokens: number[] };
    const answer = (await (
      await router.post("/v1/completions", {
        prompt: tokens,
        max_tokens: 6,
        temperature: 0,
        return_token_ids: true,
      })
    ).json()) as Answer;
    expect(answer.usage).toMatchObject({ prompt_tokens: tokens.length, completion_tokens: 6 });
    expect(answer.choices[0]?.token_ids).toHaveLength(6);
    const detokenized = (await (
      await router.post("/detokenize", { tokens: answer.choices[0]?.token_ids })
    ).json()) as { prompt: string };
    expect(detokenized.prompt).toBe(answer.choices[0]?.text);
  });

  it("echoes the prompt before the text, also streamed", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = { prompt: "Once upon a time", max_tokens: 5, temperature: 0, echo: true };
    const answer = (await (await router.post("/v1/completions", body)).json()) as Answer;
    expect(answer.choices[0]?.text.startsWith("Once upon a time")).toBe(true);
    const text = await (await router.post("/v1/completions", { ...body, stream: true })).text();
    const chunks = sseEvents<{ readonly choices: readonly { readonly text: string }[] }>(text);
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join("")).toBe(answer.choices[0]?.text);
  });

  it("gives one logprob a token", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = (await (
      await router.post("/v1/completions", { prompt: "A", max_tokens: 4, temperature: 0, logprobs: 2 })
    ).json()) as {
      readonly choices: readonly {
        readonly logprobs: {
          readonly tokens: readonly string[];
          readonly token_logprobs: readonly number[];
          readonly top_logprobs: readonly object[];
          readonly text_offset: readonly number[];
        };
        readonly text: string;
      }[];
    };
    const logprobs = answer.choices[0]?.logprobs;
    expect(logprobs?.tokens.join("")).toBe(answer.choices[0]?.text);
    expect(logprobs?.token_logprobs.every((value) => value <= 0)).toBe(true);
    expect(logprobs?.top_logprobs.map((top) => Object.keys(top).length)).toEqual([2, 2, 2, 2]);
    expect(logprobs?.text_offset[0]).toBe(0);
  });
});
