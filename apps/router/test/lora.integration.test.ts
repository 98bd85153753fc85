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

describe("adapters that clients load and unload", () => {
  const environment = { VLLM_ALLOW_RUNTIME_LORA_UPDATING: "1" };
  const load = "/v1/load_lora_adapter";
  const unload = "/v1/unload_lora_adapter";

  it("are usable at once on every engine, and gone at once", async () => {
    const shared = { protocol: "vllm-inference", servedModelNames: ["sim"], speed: 0, loras: [] } as const;
    await using one = await startSimulator(shared);
    await using two = await startSimulator(shared);
    const urls = [one, two].map(({ address }) => `http://${address}`);
    await using router = await startRouter(urls, [], { environment });
    const asked = async (path: string, body: unknown): Promise<readonly [number, string]> => {
      const answer = await router.post(path, body);
      return [answer.status, await answer.text()];
    };
    const complete = async (): Promise<number> =>
      (await asked("/v1/completions", { model: "clerk", prompt: "a", max_tokens: 1 }))[0];
    expect(await complete()).toBe(404);
    const clerk = { lora_name: "clerk", lora_path: "/adapters/clerk" };
    expect(await asked(load, clerk)).toEqual([200, "Success: LoRA adapter 'clerk' added successfully."]);
    expect(await complete()).toBe(200);
    for (const [path, body, status, message] of [
      [load, clerk, 400, "The lora adapter 'clerk' has already been loaded. If you want to"],
      [
        load,
        { ...clerk, lora_name: "sim" },
        400,
        "The lora adapter 'sim' conflicts with a served base model.",
      ],
      [load, { ...clerk, lora_path: "" }, 400, "Both 'lora_name' and 'lora_path' must be provided."],
      [load, { ...clerk, load_inplace: true }, 501, "`load_inplace` is not supported"],
      [load, {}, 400, "2 validation errors"],
      [unload, { lora_name: "zz" }, 404, "The lora adapter 'zz' cannot be found."],
      [unload, { lora_name: "" }, 400, "'lora_name' needs to be provided to unload a LoRA adapter."],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      const [gotStatus, text] = await asked(path, body);
      expect([gotStatus, text]).toEqual([status, expect.stringContaining(message) as string]);
    }
    expect(await asked(unload, { lora_name: "clerk" })).toEqual([
      200,
      "Success: LoRA adapter 'clerk' removed successfully.",
    ]);
    expect(await complete()).toBe(404);
  });

  it("need engines that take them, and the operator's word", async () => {
    await using engine = await startSimulator({ speed: 0 });
    const url = `http://${engine.address}`;
    await using open = await startRouter([url], [], { environment });
    const body = { lora_name: "clerk", lora_path: "/adapters/clerk" };
    expect((await open.post(load, body)).status).toBe(501);
    await using closed = await startRouter([url]);
    expect((await closed.post(load, body)).status).toBe(404);
  });
});
