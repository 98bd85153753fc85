import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import type { ExplainedDecision } from "../src/decisions/explained-decision.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const FLAGS = ["--policy", "least_load", "--enable-explain", "--load-poll-interval-secs", "0.02"];

/** What the router knows of its first engine's load, as an explained decision tells. */
async function knownLoad(router: TestRouter, model = "sim") {
  const answer = await router.post(
    "/v1/completions",
    { model, prompt: "Hello", max_tokens: 1 },
    { headers: { "x-vllm-router-explain": "1" } },
  );
  await answer.text();
  const id = answer.headers.get("x-vllm-router-decision")?.split(";", 1)[0];
  const decision = (await (await fetch(`${router.url}/debug/decisions/${id}`)).json()) as ExplainedDecision;
  return decision.record.input.candidates[0];
}

describe("the load that engines tell", () => {
  it("is pushed by gRPC engines, what other routers gave them included", async () => {
    await using engine = await startSimulator({ speed: 1, servedModelNames: ["sim"] });
    const url = `http://${engine.address}`;
    await using other = await startRouter([url]);
    await using router = await startRouter([url], [...FLAGS, "--load-poll-interval-secs", "0"]);
    const leaving = new AbortController();
    const held = other
      .post("/v1/completions", { prompt: "Hold on", max_tokens: 2000 }, { signal: leaving.signal })
      .catch(() => undefined);
    await eventually("the engine has it", () => engine.runningRequests === 1);
    await eventually("it is known here", async () => {
      const load = await knownLoad(router);
      return load?.foreignRequests === 1 && (load.loadAgeMs ?? Infinity) < 5_000;
    });
    expect((await knownLoad(router))?.inFlightRequests).toBe(0);
    leaving.abort();
    await held;
  });

  it("is asked for where engines push nothing", async () => {
    await using engine = await startSimulator({ speed: 0, servedModelNames: ["sim"], kvEvents: false });
    await using router = await startRouter([`http://${engine.address}`], FLAGS);
    await eventually("a load is known", async () => (await knownLoad(router))?.kvCacheUsage !== null);
    expect((await knownLoad(router))?.loadAgeMs).toBeGreaterThanOrEqual(0);
  });

  it("is read from the metrics of HTTP workers", async () => {
    await using engine = await startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim"] });
    await using router = await startRouter([`http://${engine.httpAddress}`], FLAGS);
    await eventually("a load is known", async () => (await knownLoad(router))?.waitingRequests === 0);
    expect((await knownLoad(router))?.loadAgeMs).toBeGreaterThanOrEqual(0);
  });

  it("is not asked for when nobody looks at it", async () => {
    await using engine = await startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim"] });
    await using router = await startRouter(
      [`http://${engine.httpAddress}`],
      ["--enable-explain", "--load-poll-interval-secs", "0.01"],
    );
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await knownLoad(router))?.loadAgeMs).toBeNull();
    }
  });
});
