import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { sseEvents, startRouter } from "./start-router.ts";

interface Chunk {
  readonly choices: readonly {
    readonly text: string;
    readonly token_ids: readonly number[];
    readonly finish_reason: string | null;
    readonly logprobs: { readonly tokens: readonly string[] } | null;
  }[];
}

describe("stream_interval", () => {
  it("tells the first token at once, then so many at a time, and the rest with the end", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = {
      prompt: "Once",
      max_tokens: 9,
      temperature: 0,
      ignore_eos: true,
      return_token_ids: true,
      logprobs: 1,
    };
    const stream = async (more: object): Promise<readonly Chunk["choices"][number][]> => {
      const answer = await router.post("/v1/completions", { ...body, stream: true, ...more });
      return sseEvents<Chunk>(await answer.text()).flatMap(({ choices }) => choices);
    };
    const plain = await stream({});
    const gathered = await stream({ stream_interval: 4 });
    expect(gathered.map(({ token_ids }) => token_ids.length)).toEqual([1, 4, 4]);
    expect(gathered.map(({ logprobs }) => logprobs?.tokens.length)).toEqual([1, 4, 4]);
    expect(gathered.map(({ finish_reason }) => finish_reason)).toEqual([null, null, "length"]);
    expect(gathered.map(({ text }) => text).join("")).toBe(plain.map(({ text }) => text).join(""));
    const whole = await router.post("/v1/completions", { ...body, stream_interval: 4 });
    expect(whole.status).toBe(200);
  });
});
