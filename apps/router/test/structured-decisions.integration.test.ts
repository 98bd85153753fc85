import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

const body = {
  state: "The sky is clear.",
  questions: { q: { type: "noul", instructions: "Is it raining?" } },
};

describe("/v1/systemone", () => {
  it("is there for every model, and refused for those that vLLM makes no decisions with", async () => {
    await using generator = await startSimulator({ speed: 0 });
    await using embedder = await startSimulator({ speed: 0, embeddingSize: 4 });
    for (const engine of [generator, embedder]) {
      await using router = await startRouter([`http://${engine.address}`]);
      const refused = await router.post("/v1/systemone", body);
      expect(refused.status).toBe(501);
      expect(await refused.json()).toEqual({
        error: {
          message: "The model does not support the structured decision API",
          type: "NotImplementedError",
          param: null,
          code: 501,
        },
      });
      const invalid = await router.post("/v1/systemone", { state: "x" });
      expect(await invalid.json()).toMatchObject({ error: { param: "body.questions", code: 400 } });
      expect((await fetch(`${router.url}/v1/systemone`)).status).toBe(405);
    }
    expect(generator.requests).toEqual([]);
  });
});
