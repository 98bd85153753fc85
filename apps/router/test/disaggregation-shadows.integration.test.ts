import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { BODY } from "./pair-answers.ts";
import { times } from "./separate-requests.ts";
import { eventually, startRouter } from "./start-router.ts";

/** Prompts of a few hundred tokens, two of each. */
const prompts = times(4, (at) => `${at} quick brown foxes jump over the lazy dog. `.repeat(30)).flatMap(
  (text) => [text, text],
);

/** What the metrics say of a shadow that is the policy that acts, after all prompts, one after the other. */
async function shadowed(policy: string, flags: readonly string[]) {
  const engines = await Promise.all(
    times(4, () => startSimulator({ speed: 0, servedModelNames: ["sim"], kvConnector: "nixl" })),
  );
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      ...engines.slice(0, 2).flatMap(({ address }) => ["--prefill", `grpc://${address}`]),
      ...engines.slice(2).flatMap(({ address }) => ["--decode", `grpc://${address}`]),
      "--policy",
      policy,
      "--shadow-policy",
      policy,
      ...flags,
    ],
  );
  try {
    for (const prompt of prompts) {
      const answer = await router.post("/v1/completions", { ...BODY, prompt });
      expect(answer.status).toBe(200);
      await answer.text();
      await eventually("nothing is in flight", () => router.router.inFlight() === 0);
    }
    const read = async (name: string): Promise<number> => {
      const metrics = await (await fetch(`${router.url}/metrics`)).text();
      return Number(new RegExp(`^vllm_router_${name}\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
    };
    const legs = prompts.length + (await read(`pd_decisions_total\\{.*prefill_decode.*`));
    await eventually("shadows have decided on all legs", async () => {
      return (await read(`shadow_decisions_total\\{policy="${policy}"`)) === legs;
    });
    return {
      legs,
      disagreements: await read(`shadow_disagreements_total\\{policy="${policy}"`),
      acting: await read(`policy_predicted_hit_tokens_total\\{policy="${policy}",role="acting"`),
      shadow: await read(`policy_predicted_hit_tokens_total\\{policy="${policy}",role="shadow"`),
      prompts: await read(`policy_prompt_tokens_total\\{policy="${policy}",role="shadow"`),
    };
  } finally {
    await router[Symbol.asyncDispose]();
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

describe("a shadow of what chooses pairs", () => {
  it.each([[[]], [["--threads", "2"]]])("decides on each leg as what acts does: %j", async (flags) => {
    const told = await shadowed("round_robin", flags);
    // Both workers of either leg in turn, and so the second of each two prompts finds nothing.
    expect(told).toMatchObject({ legs: 2 * prompts.length, disagreements: 0, shadow: 0 });
    expect(told.prompts).toBeGreaterThan(2 * 100 * prompts.length);
  });

  it("finds in its virtual caches of each leg what is found in the real ones", async () => {
    const told = await shadowed("consistent_hash", []);
    // What the decode worker holds has no prefill leg.
    expect(told).toMatchObject({ legs: prompts.length + 4, disagreements: 0 });
    expect(told.shadow).toBeGreaterThan(0);
    expect(told.shadow).toBe(told.acting);
  });
});
