import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { startHttpWorker, type WorkerHandler } from "./http-worker.ts";
import { eventually, startRouter } from "./start-router.ts";

const answerFrom =
  (name: string): WorkerHandler =>
  (_request, response, body) => {
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
        message: "The model `unknown` does not exist. Valid aliases: simulated, alias, base.",
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

  it("notices adapters that are loaded and unloaded, and goes on with the worker as it is", async () => {
    await using plain = await startHttpWorker(["base"], answerFrom("plain"));
    const served: (string | { id: string; parent: string })[] = ["base"];
    await using changing = await startHttpWorker(served, answerFrom("changing"));
    await using router = await startRouter(
      [plain.url, changing.url],
      ["--health-check-interval-secs", "0.1"],
    );
    const listed = async (): Promise<readonly string[]> => {
      const answer = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
      return answer.data.map(({ id }) => id);
    };
    served.push({ id: "sql", parent: "base" });
    await eventually("the adapter is known", () => router.logText().includes("serves base, sql"));
    expect(await listed()).toContain("sql");
    for (let at = 0; at < 4; at += 1) {
      const answer = await router.post("/v1/completions", { model: "sql", prompt: `Tell ${at}` });
      expect(await answer.json()).toEqual({ from: "changing", model: "sql" });
    }
    served.pop();
    await eventually("it is gone", async () => !(await listed()).includes("sql"));
    expect(router.logText()).not.toContain("unhealthy");
    served.splice(0, 1, "other");
    await eventually("another model is another engine", () =>
      router.logText().includes("another engine or model"),
    );
  });
});
