import { expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

interface Answer {
  readonly choices: readonly {
    readonly message: { readonly reasoning: string | null };
    readonly logprobs: unknown;
    readonly token_ids: unknown;
  }[];
}

it("a batch without reasoning still shows logprobs and token ids, unlike a single conversation", async () => {
  await using engine = await startSimulator({ speed: 0 });
  await using router = await startRouter([`http://${engine.address}`], ["--reasoning-parser", "qwen3"]);
  const conversation = [{ role: "user", content: "Hi" }];
  const asked = { include_reasoning: false, logprobs: true, return_token_ids: true, max_tokens: 4 };
  const answer = async (path: string, messages: unknown): Promise<Answer["choices"][number] | undefined> =>
    ((await (await router.post(path, { ...asked, messages })).json()) as Answer).choices[0];
  const batched = await answer("/v1/chat/completions/batch", [conversation]);
  expect(batched).toMatchObject({ message: { reasoning: null }, token_ids: expect.any(Array) as unknown });
  expect(batched?.logprobs).not.toBeNull();
  const single = await answer("/v1/chat/completions", conversation);
  expect(single).toMatchObject({ logprobs: null, token_ids: null });
});
