import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

describe("a router with --tokens-only", () => {
  it("has the routes of token ids without another flag, and makes no text there", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`], ["--tokens-only"]);
    const generate = async (more: object, sampling: object = {}): Promise<unknown> =>
      (
        await router.post("/inference/v1/generate", {
          token_ids: [5, 6],
          sampling_params: { max_tokens: 2, ...sampling },
          ...more,
        })
      ).json();
    expect(await generate({})).toMatchObject({ output_mode: "tokens" });
    expect(await generate({ output_mode: "text" })).toMatchObject({
      error: {
        code: 400,
        message: expect.stringMatching(/^output_mode='text' requires a tokenizer/) as string,
      },
    });
    expect(await generate({}, { stop: ["x"] })).toMatchObject({
      error: {
        code: 400,
        message: expect.stringMatching(/^stop strings are not supported on a --tokens-only/) as string,
      },
    });
    expect((await router.post("/abort_requests", { request_ids: [] })).status).toBe(200);
  });

  it("alone has the route without a key", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`], ["--enable-scale-out"]);
    expect((await router.post("/abort_requests", { request_ids: [] })).status).toBe(404);
  });
});
