import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { sseEvents, startRouter, type TestRouter } from "./start-router.ts";

interface Card {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly max_model_len: number | null;
}

const messages = [{ role: "user", content: "Hi" }];

describe("LoRA adapters of vllm.Inference engines", () => {
  let base: Simulator;
  let poet: Simulator;
  let router: TestRouter;

  beforeAll(async () => {
    const shared = { protocol: "vllm-inference", servedModelNames: ["sim"], speed: 0 } as const;
    base = await startSimulator(shared);
    poet = await startSimulator({ ...shared, loras: ["poet"] });
    router = await startRouter(
      [`http://${base.address}`, `http://${poet.address}`],
      ["--policy", "round_robin"],
    );
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await base[Symbol.asyncDispose]();
    await poet[Symbol.asyncDispose]();
  });

  it("are listed behind their base model", async () => {
    const { data } = (await (await fetch(`${router.url}/v1/models`)).json()) as {
      readonly data: readonly Card[];
    };
    expect(data).toMatchObject([
      { id: "sim", parent: null },
      { id: "poet", root: "/adapters/poet", parent: "sim", max_model_len: null },
    ]);
  });

  it("run where they are loaded, under their own name", async () => {
    const before = base.requests.length;
    for (let turn = 0; turn < 4; turn++) {
      const answer = await router.post("/v1/chat/completions", { model: "poet", messages, max_tokens: 2 });
      expect([answer.status, await answer.json()]).toMatchObject([200, { model: "poet" }]);
    }
    expect(base.requests.length).toBe(before);
    expect(poet.requests.slice(-4).map(({ inference }) => inference?.loraName)).toEqual(
      Array.from({ length: 4 }, () => "poet"),
    );
    const stream = await router.post("/v1/completions", {
      model: "poet",
      prompt: "a",
      max_tokens: 2,
      stream: true,
    });
    expect(sseEvents<{ readonly model: string }>(await stream.text())[0]?.model).toBe("poet");
    const own = await router.post("/v1/completions", { model: "sim", prompt: "a", max_tokens: 2 });
    expect(await own.json()).toMatchObject({ model: "sim" });
  });

  it("are refused by name when nobody has them", async () => {
    const refused = await router.post("/v1/completions", { model: "clerk", prompt: "a" });
    expect([refused.status, await refused.json()]).toMatchObject([
      404,
      { error: { message: "The model `clerk` does not exist. Valid aliases: sim.", param: "model" } },
    ]);
  });
});
