import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { startHttpWorker, type WorkerHandler } from "./http-worker.ts";
import { startRouter } from "./start-router.ts";

const answerFrom =
  (name: string): WorkerHandler =>
  (request, response, body) => {
    const { model } = JSON.parse(body) as { model: string };
    const isKnown = model !== "unknown";
    response.writeHead(isKnown ? 200 : 404, { "content-type": "application/json" });
    response.end(
      JSON.stringify(isKnown ? { from: name, model } : { error: `The model \`${model}\` does not exist.` }),
    );
  };

describe("adapters and several models behind one router", () => {
  it("sends an adapter's requests to the worker that has it, and lists it with its base model", async () => {
    await using plain = await startHttpWorker(["base"], answerFrom("plain"));
    await using tuned = await startHttpWorker(["base", { id: "sql", parent: "base" }], answerFrom("tuned"));
    await using engine = await startSimulator({ speed: 0, servedModelNames: ["simulated", "alias"] });
    await using router = await startRouter(
      [plain.url, tuned.url, `http://${engine.address}`],
      ["--policy", "round_robin"],
    );
    const ask = async (model: string): Promise<unknown> => {
      const answer = await router.post("/v1/completions", { model, prompt: "Tell me", max_tokens: 1 });
      return answer.json();
    };
    const answers = await Promise.all(Array.from({ length: 4 }, async () => ask("sql")));
    expect(answers).toEqual(Array.from({ length: 4 }, () => ({ from: "tuned", model: "sql" })));
    const base = await Promise.all(Array.from({ length: 4 }, async () => ask("base")));
    expect(new Set(base.map((answer) => (answer as { from: string }).from))).toEqual(
      new Set(["plain", "tuned"]),
    );
    // As in vLLM, an answer carries the first of the served names.
    expect(await ask("alias")).toMatchObject({ model: "simulated", object: "text_completion" });
    expect(await ask("unknown")).toMatchObject({
      error: {
        message: "The model `unknown` does not exist. Valid aliases: simulated, alias, base, sql.",
        type: "NotFoundError",
        code: 404,
      },
    });

    const listed = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: unknown[] };
    expect(listed.data).toMatchObject([
      { id: "simulated", parent: null },
      { id: "alias", parent: null },
      { id: "base", parent: null, root: "base", max_model_len: 1000 },
      { id: "sql", parent: "base", root: "/adapters/sql", max_model_len: null },
    ]);
  });
});
