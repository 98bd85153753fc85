import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import { alone, BODY, complete, type Completion, PROMPT } from "./pair-answers.ts";
import { eventually, sseEvents, startRouter, type TestRouter } from "./start-router.ts";

/** Engines that can hand KV blocks over, and a router that divides generations between them. */
interface Setting extends AsyncDisposable {
  readonly prefill: readonly Simulator[];
  readonly decode: readonly Simulator[];
  readonly router: TestRouter;
}

async function setUp(
  counts: { readonly prefill: number; readonly decode: number },
  flags: readonly string[] = [],
  options: { readonly prefill?: SimulatorOptions; readonly decode?: SimulatorOptions } = {},
): Promise<Setting> {
  const start = (count: number, options: SimulatorOptions): Promise<Simulator[]> =>
    Promise.all(
      Array.from({ length: count }, () =>
        startSimulator({ speed: 0, servedModelNames: ["sim"], kvConnector: "nixl", ...options }),
      ),
    );
  const prefill = await start(counts.prefill, options.prefill ?? {});
  const decode = await start(counts.decode, options.decode ?? {});
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      ...prefill.flatMap(({ address }) => ["--prefill", `grpc://${address}`]),
      ...decode.flatMap(({ address }) => ["--decode", `grpc://${address}`]),
      ...flags,
    ],
  );
  return {
    prefill,
    decode,
    router,
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await Promise.all([...prefill, ...decode].map((engine) => engine.close()));
    },
  };
}

/** Nothing is booked, held or running any more. */
async function expectNothingLeft({ prefill, decode, router }: Setting): Promise<void> {
  await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  await eventually("no engine runs anything", () =>
    [...prefill, ...decode].every((engine) => engine.runningRequests === 0),
  );
  await eventually("no engine holds blocks", () =>
    prefill.every((engine) => (engine.kvTransfers?.held ?? 0) === 0),
  );
}

describe("prefill and decode on different engines", () => {
  it("computes the prompt on one engine and generates on the other, which says what one alone would", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 });
    const { prefill, decode, router } = setting;
    const expected = await alone();
    const answer = await complete(router);
    expect(answer.choices).toEqual(expected.choices);
    expect(answer.usage.prompt_tokens).toBe(expected.usage.prompt_tokens);
    const [first] = prefill[0]!.requests;
    const [second] = decode[0]!.requests;
    expect(first?.request.samplingParams?.maxTokens).toBe(1);
    expect(first?.request.stream).toBe(false);
    expect(JSON.parse(first?.request.kvTransferParamsJson ?? "")).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      remote_engine_id: null,
      remote_block_ids: null,
      remote_host: null,
      remote_port: null,
    });
    expect(second?.id).toBe(first?.id);
    expect(second?.request.samplingParams?.maxTokens).toBe(8);
    expect(JSON.parse(second?.request.kvTransferParamsJson ?? "")).toMatchObject({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_request_id: first?.id,
    });
    // Tokenised once: both engines have the same ids.
    expect(second?.request.input).toEqual(first?.request.input);
    expect(prefill[0]!.kvTransfers).toMatchObject({ handedOver: 1, held: 0 });
    // The whole prompt.
    const fetchedTokens = expected.usage.prompt_tokens;
    expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 1, missing: 0, fetchedTokens });
    await expectNothingLeft(setting);
  });

  it("streams", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 });
    const expected = await alone();
    const answer = await setting.router.post("/v1/completions", { ...BODY, stream: true });
    const events = sseEvents<Completion>(await answer.text());
    expect(events.map(({ choices }) => choices[0]?.text ?? "").join("")).toBe(expected.choices[0]?.text);
    expect(setting.decode[0]!.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
    await expectNothingLeft(setting);
  });

  it("leaves out the prefill engine when the decode engine holds the prompt", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 });
    await complete(setting.router);
    await complete(setting.router);
    expect(setting.prefill[0]!.requests).toHaveLength(1);
    expect(setting.decode[0]!.requests).toHaveLength(2);
    await expectNothingLeft(setting);
  });

  it("loses no request when a prefill engine is killed", async () => {
    await using setting = await setUp({ prefill: 2, decode: 1 }, ["--policy", "round_robin"]);
    const { prefill, router } = setting;
    const running = Array.from({ length: 20 }, (_, at) => complete(router, { prompt: `${at}: ${PROMPT}` }));
    await prefill[0]!.kill();
    const late = Array.from({ length: 5 }, (_, at) => complete(router, { prompt: `late ${at}: ${PROMPT}` }));
    const answers = await Promise.all([...running, ...late]);
    expect(answers.map(({ choices }) => choices[0]?.finish_reason)).not.toContain("error");
    expect(prefill[1]!.kvTransfers?.handedOver).toBeGreaterThanOrEqual(5);
    await expectNothingLeft(setting);
  });

  it("loses no request when a prefill engine dies between its answer and the fetch", async () => {
    await using setting = await setUp({ prefill: 2, decode: 1 }, [
      "--policy",
      "round_robin",
      "--disable-retries",
    ]);
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.dieAtFetch = 0;
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => complete(router, { prompt: `${at}: ${PROMPT}` })),
    );
    expect(answers.map(({ choices }) => choices[0]?.finish_reason)).not.toContain("error");
    expect(decode[0]!.kvTransfers?.missing).toBeGreaterThanOrEqual(1);
    expect(decode[0]!.kvTransfers?.fetched).toBe(6);
    await expectNothingLeft(setting);
  });

  it.each([
    ["vllm-engine", true],
    ["vllm-engine", false],
    ["vllm-inference", true],
    ["vllm-inference", false],
  ] as const)(
    "has the decode engine compute the prompt when the last prefill engine dies so (%s, stream: %s)",
    async (protocol, stream) => {
      const engine = { protocol, modelPath: BUILTIN_MODEL };
      await using setting = await setUp(
        { prefill: 1, decode: 1 },
        ["--disable-retries", "--model-path", BUILTIN_MODEL],
        { prefill: engine, decode: engine },
      );
      const { prefill, decode, router } = setting;
      prefill[0]!.faults.dieAtFetch = 0;
      const expected = (await alone()).choices[0]?.text;
      const answer = await router.post("/v1/completions", { ...BODY, stream });
      const text = await answer.text();
      expect(answer.status).toBe(200);
      const choices = stream
        ? sseEvents<Completion>(text).flatMap((event) => event.choices)
        : (JSON.parse(text) as Completion).choices;
      expect(choices.map((choice) => choice.text).join("")).toBe(expected);
      expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 0, missing: 1 });
      expect(decode[0]!.requests).toHaveLength(2);
      await expectNothingLeft(setting);
    },
  );

  it("refuses a request whose last prefill engine dies so where that is wanted, and spares the decode engine", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 }, [
      "--prefill-fallback",
      "fail",
      "--disable-retries",
      "--cb-failure-threshold",
      "1",
    ]);
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.dieAtFetch = 0;
    expect((await router.post("/v1/completions", BODY)).status).toBe(503);
    expect(decode[0]!.requests).toHaveLength(1);
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    const states = metrics
      .split("\n")
      .filter((line) => line.startsWith("vllm_router_cb_state{") && line.includes(decode[0]!.address));
    expect(states.filter((line) => !line.endsWith(" 0"))).toEqual([]);
    await expectNothingLeft(setting);
  });

  it("gives up on prefill engines after three lost handovers", async () => {
    await using setting = await setUp({ prefill: 5, decode: 1 }, ["--disable-retries"]);
    const { prefill, decode, router } = setting;
    for (const engine of prefill) {
      engine.faults.dieAtFetch = 0;
    }
    await complete(router);
    expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 0, missing: 3 });
    expect(prefill.reduce((sum, engine) => sum + engine.requests.length, 0)).toBe(3);
    await expectNothingLeft(setting);
  });

  it(
    "asks another prefill engine when one refuses, answers nothing that helps, or is slow",
    { timeout: 30_000 },
    async () => {
      await using setting = await setUp({ prefill: 3, decode: 1 }, [
        "--policy",
        "round_robin",
        "--prefill-timeout-secs",
        "3",
      ]);
      const { prefill, decode, router } = setting;
      prefill[0]!.faults.errorStatus = "UNAVAILABLE";
      prefill[1]!.faults.isHanging = true;
      const count = 3;
      for (let at = 0; at < count; at += 1) {
        await complete(router, { prompt: `${at}: ${PROMPT}` });
      }
      expect(prefill[2]!.kvTransfers?.handedOver).toBe(count);
      expect(decode[0]!.kvTransfers).toMatchObject({ fetched: count, missing: 0 });
      await expectNothingLeft(setting);
    },
  );

  it.each([
    ["hands nothing over", { kvConnector: undefined }, undefined],
    ["fails", {}, "INTERNAL"],
    ["is dead", {}, undefined],
  ] as const)(
    "has the decode engine compute the prompt when the only prefill engine %s",
    async (what, options, errorStatus) => {
      await using setting = await setUp({ prefill: 1, decode: 1 }, [], { prefill: options });
      const { prefill, decode, router } = setting;
      prefill[0]!.faults.errorStatus = errorStatus;
      if (what === "is dead") {
        await prefill[0]!.kill();
      }
      const answer = await complete(router);
      expect(answer.choices).toEqual((await alone()).choices);
      expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 0, missing: 0 });
      await expectNothingLeft(setting);
    },
  );

  it("refuses instead where that is wanted", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 }, [
      "--prefill-fallback",
      "fail",
      "--disable-retries",
    ]);
    setting.prefill[0]!.faults.errorStatus = "UNAVAILABLE";
    const answer = await setting.router.post("/v1/completions", BODY);
    expect(answer.status).toBe(503);
    expect(setting.decode[0]!.requests).toHaveLength(0);
    await expectNothingLeft(setting);
  });

  it("frees what is held when the client leaves", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 });
    const { decode, router } = setting;
    decode[0]!.faults.slowFactor = 1000;
    const client = new AbortController();
    const answer = await router.post(
      "/v1/completions",
      { ...BODY, max_tokens: 2000, stream: true, ignore_eos: true },
      { signal: client.signal },
    );
    expect(answer.status).toBe(200);
    client.abort();
    await expectNothingLeft(setting);
  });

  it("is ready only with an engine for each leg", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 });
    const { decode, router } = setting;
    expect((await fetch(`${router.url}/readiness`)).status).toBe(200);
    await decode[0]!.kill();
    expect((await router.post("/v1/completions", BODY)).status).toBe(503);
    await eventually(
      "the router is not ready",
      async () => (await fetch(`${router.url}/readiness`)).status === 503,
    );
    expect(await (await fetch(`${router.url}/readiness`)).json()).toMatchObject({
      status: "not_ready",
      reason: "no healthy decode workers",
    });
  });

  it("says how both legs were chosen", async () => {
    await using setting = await setUp({ prefill: 1, decode: 1 }, ["--enable-explain"]);
    const { router, prefill, decode } = setting;
    const answer = await router.post("/v1/completions", BODY, { headers: { "x-vllm-router-explain": "1" } });
    const id = answer.headers.get("x-vllm-router-decision-id") ?? "";
    await answer.text();
    const told = JSON.stringify(
      id === "" ? [...answer.headers] : await (await fetch(`${router.url}/debug/decisions/${id}`)).json(),
    );
    expect(told).toContain(prefill[0]!.address);
    expect(told).toContain(decode[0]!.address);
  });
});
