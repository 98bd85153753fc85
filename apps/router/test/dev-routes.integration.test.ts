import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { eventually, startRouter } from "./start-router.ts";

const environment = { VLLM_SERVER_DEV_MODE: "1" };

describe("the routes of VLLM_SERVER_DEV_MODE", () => {
  it("are absent without it", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    expect((await router.post("/reset_prefix_cache", {})).status).toBe(404);
    expect((await router.post("/abort_requests", {})).status).toBe(404);
    expect((await router.post("/sleep", {})).status).toBe(404);
    expect((await fetch(`${router.url}/server_info`)).status).toBe(404);
  });

  it("empty every engine's prefix cache", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const urls = [one, two].map(({ address }) => `http://${address}`);
    const flags = ["--enable-prompt-tokens-details", "--policy", "round_robin"];
    await using router = await startRouter(urls, flags, { environment });
    const cached = async (): Promise<number> => {
      const answer = await router.post("/v1/completions", { prompt: "x ".repeat(400), max_tokens: 1 });
      const { usage } = (await answer.json()) as {
        readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } | null };
      };
      return usage.prompt_tokens_details?.cached_tokens ?? 0;
    };
    await cached();
    await cached();
    expect(await cached()).toBeGreaterThan(0);
    expect(await cached()).toBeGreaterThan(0);
    const reset = await router.post("/reset_prefix_cache", {});
    expect([reset.status, await reset.json()]).toEqual([200, { success: true }]);
    expect(await cached()).toBe(0);
    expect(await cached()).toBe(0);
  });

  it("say what they cannot do", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using other = await startSimulator({ speed: 0, protocol: "vllm-inference" });
    await using router = await startRouter([`http://${engine.address}`], [], { environment });
    const status = async (query: string): Promise<number> =>
      (await router.post(`/reset_prefix_cache?${query}`, {})).status;
    expect(await status("reset_external=true")).toBe(501);
    expect(await status("reset_external=zz")).toBe(400);
    const asleep = await router.post("/sleep", {});
    expect([asleep.status, await asleep.text()]).toEqual([501, expect.stringContaining("`/sleep`")]);
    expect((await fetch(`${router.url}/is_paused`)).status).toBe(501);
    expect((await router.post("/is_paused", {})).status).toBe(405);
    await using mixed = await startRouter([`http://${other.address}`], [], { environment });
    expect((await mixed.post("/reset_prefix_cache", {})).status).toBe(501);
  });

  it("end all that runs", async () => {
    await using engine = await startSimulator({ stepMs: 1000, sequenceMs: 0 });
    await using router = await startRouter([`http://${engine.address}`], [], { environment });
    const answers = [1, 2].map(async () => router.post("/v1/completions", { prompt: "a", max_tokens: 500 }));
    await eventually("both run", () => engine.requests.length === 2);
    const aborted = await router.post("/abort_requests", {});
    expect(await aborted.json()).toEqual({ status: "aborted", aborted: 2 });
    for (const answer of await Promise.all(answers)) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: "abort" }] });
    }
    for (const [body, message] of [
      ["{", "Invalid JSON format"],
      ["[]", "Request body must be a JSON object"],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      expect(await (await router.post("/abort_requests", body)).json()).toMatchObject({ error: { message } });
    }
  });
});
