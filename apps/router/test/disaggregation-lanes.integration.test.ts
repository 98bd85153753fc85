import { describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const ask = (prompt: string): Readonly<Record<string, unknown>> => ({
  prompt,
  max_tokens: 8,
  temperature: 0,
  ignore_eos: true,
});
const LONG = "Tell me about the long way that a prompt goes. ".repeat(8);

function start(
  prefill: readonly Simulator[],
  decode: readonly Simulator[],
  flags: readonly string[] = [],
): Promise<TestRouter> {
  const urls = (engines: readonly Simulator[]): string[] => engines.map(({ address }) => `http://${address}`);
  return startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      "none",
      ...urls(prefill).flatMap((url) => ["--prefill", url]),
      ...urls(decode).flatMap((url) => ["--decode", url]),
      "--health-check-interval-secs",
      "1",
      ...flags,
    ],
    { waitForWorkers: false },
  );
}

async function text(response: Response): Promise<string> {
  const body = await response.text();
  expect([response.status, response.ok ? "" : body]).toEqual([200, ""]);
  return (JSON.parse(body) as { choices: { text: string }[] }).choices[0]?.text ?? "";
}

describe("prefill and decode on different engines", () => {
  it("computes the prompt here and generates there, under one id, and tells of both legs", async () => {
    await using prefill = await startSimulator({ speed: 0 });
    await using decode = await startSimulator({ speed: 0 });
    await using alone = await startSimulator({ speed: 0 });
    await using router = await start([prefill], [decode], ["--enable-explain"]);
    await using plain = await startRouter([`http://${alone.address}`]);
    await router.router.firstReady();
    const response = await router.post("/v1/completions", ask(LONG), {
      headers: { "x-vllm-router-explain": "1" },
    });
    expect(response.headers.get("x-vllm-router-decision")).toContain(`prefill=http://${prefill.address}`);
    expect(await text(response)).toBe(await text(await plain.post("/v1/completions", ask(LONG))));
    const [first] = prefill.requests;
    expect(first?.request.samplingParams).toMatchObject({ maxTokens: 1, ignoreEos: true, n: 1 });
    expect(first?.id).toBe(decode.requests[0]?.id);
    expect(prefill.generatedTokens).toBe(1);
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
    await text(await router.post("/v1/completions", ask(LONG)));
    expect([prefill.requests.length, decode.requests.length]).toEqual([1, 2]);
  });

  it("gives the prefill leg back where the decode engine is asked sequence by sequence", async () => {
    await using prefill = await startSimulator({ speed: 0 });
    await using decode = await startSimulator({
      speed: 0,
      protocol: "vllm-inference",
      modelPath: BUILTIN_MODEL,
    });
    await using router = await start([prefill], [decode], ["--model-path", BUILTIN_MODEL]);
    await eventually("both are ready", () => router.router.readyWorkers() === 2);
    const body = { ...ask(LONG), n: 2, temperature: 1, seed: 1 };
    expect((await router.post("/v1/completions", body)).status).toBe(200);
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  });

  it("costs no request when a prefill engine dies", async () => {
    await using doomed = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using prefill = await startSimulator({ speed: 0 });
    await using decode = await startSimulator({ speed: 0 });
    await using router = await start([doomed, prefill], [decode], ["--prefill-policy", "round_robin"]);
    await eventually("all are ready", () => router.router.readyWorkers() === 3);
    const pending = [1, 2, 3, 4].map((at) => router.post("/v1/completions", ask(`${at} ${LONG}`)));
    await eventually("the doomed one has its share", () => doomed.runningRequests > 0);
    await doomed.kill();
    for (const response of await Promise.all(pending)) {
      // oxlint-disable-next-line no-await-in-loop -- one after another is as good
      expect((await text(response)).length).toBeGreaterThan(0);
    }
    expect(prefill.requests).toHaveLength(4);
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  });

  it("falls back to plain decode when NIXL's prefill hands nothing over, or refuses by policy", async () => {
    await using prefill = await startSimulator({ speed: 0 });
    await using decode = await startSimulator({ speed: 0 });
    await using kind = await start([prefill], [decode], ["--kv-connector", "nixl"]);
    await kind.router.firstReady();
    await text(await kind.post("/v1/completions", ask(LONG)));
    expect(decode.requests[0]?.request.kvTransferParamsJson).toBeUndefined();
    const flags = ["--kv-connector", "nixl", "--prefill-fallback", "fail", "--disable-retries"];
    await using strict = await start([prefill], [decode], flags);
    await strict.router.firstReady();
    expect((await strict.post("/v1/completions", ask(LONG))).status).toBeGreaterThanOrEqual(500);
  });

  it("is ready only with an engine for each leg", async () => {
    await using prefill = await startSimulator({ speed: 0 });
    await using decode = await startSimulator({ speed: 0 });
    await using router = await start([prefill], [decode]);
    await router.router.firstReady();
    expect(await (await fetch(`${router.url}/readiness`)).json()).toEqual({
      status: "ready",
      prefill: { healthy: 1, total: 1 },
      decode: { healthy: 1, total: 1 },
    });
    await prefill.kill();
    await eventually("it is not ready", async () => (await fetch(`${router.url}/readiness`)).status === 503);
    expect((await fetch(`${router.url}/health`)).status).toBe(503);
  });

  it("divides requests between HTTP workers, too", async () => {
    await using prefill = await startSimulator({ speed: 0, httpPort: 0 });
    await using decode = await startSimulator({ speed: 0, httpPort: 0 });
    await using router = await startRouter(
      [],
      [
        "--vllm-pd-disaggregation",
        "--kv-connector",
        "none",
        "--prefill",
        `http://${prefill.httpAddress}`,
        "none",
        "--decode",
        `http://${decode.httpAddress}`,
      ],
      { waitForWorkers: false },
    );
    await router.router.firstReady();
    await text(await router.post("/v1/completions", { ...ask(LONG), model: "simulated" }));
    expect([prefill.generatedTokens, decode.generatedTokens]).toEqual([1, 8]);
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  });
});
