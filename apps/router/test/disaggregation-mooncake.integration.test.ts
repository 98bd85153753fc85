import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import {
  alone,
  BODY,
  type Completion,
  complete,
  metric,
  NOT_FETCHED,
  type PairTransport,
  PREFILLS,
  PROMPT,
} from "./pair-answers.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

/** Engines with Mooncake and a router that divides generations between them. */
interface Setting extends AsyncDisposable {
  readonly prefill: readonly Simulator[];
  readonly decode: Simulator;
  /** All decode engines. */
  readonly decodes: readonly Simulator[];
  readonly router: TestRouter;
}

async function setUp(
  options: {
    readonly prefill?: number;
    readonly decode?: number;
    readonly transport?: PairTransport;
    readonly flags?: readonly string[];
    readonly engine?: SimulatorOptions;
  } = {},
): Promise<Setting> {
  const { transport = "vllm-engine" } = options;
  const start = (engine: SimulatorOptions = {}): Promise<Simulator> =>
    startSimulator({
      speed: 0,
      servedModelNames: ["sim"],
      kvConnector: "mooncake",
      ...(transport === "http" ? { httpPort: 0 } : { protocol: transport }),
      ...(transport === "vllm-inference" ? { modelPath: BUILTIN_MODEL } : {}),
      ...engine,
    });
  const urlOf = ({ address, httpAddress }: Simulator): string =>
    httpAddress === undefined ? `grpc://${address}` : `http://${httpAddress}`;
  const prefill = await Promise.all(
    Array.from({ length: options.prefill ?? 1 }, () => start(options.engine)),
  );
  const decodes = await Promise.all(Array.from({ length: options.decode ?? 1 }, () => start()));
  const decode = decodes[0]!;
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      "mooncake",
      ...prefill.flatMap((engine) => ["--prefill", urlOf(engine), String(engine.bootstrapPort)]),
      ...decodes.flatMap((engine) => ["--decode", urlOf(engine)]),
      ...(transport === "vllm-inference" ? ["--model-path", BUILTIN_MODEL] : []),
      "--health-check-interval-secs",
      "1",
      ...(options.flags ?? []),
    ],
  );
  await eventually("all are ready", () => router.router.readyWorkers() === prefill.length + decodes.length);
  return {
    prefill,
    decode,
    decodes,
    router,
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await Promise.all([...prefill, ...decodes].map((engine) => engine.close()));
    },
  };
}

/** Nothing is booked, held or running any more. */
async function expectNothingLeft({ prefill, decodes, router }: Setting): Promise<void> {
  await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  await eventually("no engine runs anything", () =>
    [...prefill, ...decodes].every((engine) => engine.runningRequests === 0),
  );
  await eventually("no engine holds blocks", () =>
    prefill.every((engine) => (engine.kvTransfers?.held ?? 0) === 0),
  );
}

const paramsOf = (engine: Simulator, at = 0): Readonly<Record<string, unknown>> =>
  JSON.parse(engine.requests[at]?.request.kvTransferParamsJson ?? "{}") as Readonly<Record<string, unknown>>;

describe("prefill and decode over Mooncake", () => {
  it("starts both legs together under one transfer id, and says what one engine alone would", async () => {
    await using setting = await setUp();
    const { prefill, decode, router } = setting;
    const [first] = prefill;
    const answer = await complete(router);
    expect(answer.choices).toEqual((await alone()).choices);
    const sent = paramsOf(first!);
    expect(sent).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: expect.stringMatching(/^xfer-[0-9a-f]{8,}$/),
    });
    const listed = (await (await fetch(`http://127.0.0.1:${first!.bootstrapPort}/query`)).json()) as {
      0: { engine_id: string };
    };
    expect(paramsOf(decode)).toEqual({
      do_remote_prefill: true,
      do_remote_decode: false,
      transfer_id: sent["transfer_id"],
      remote_engine_id: listed[0].engine_id,
      remote_bootstrap_addr: `http://127.0.0.1:${first!.bootstrapPort}`,
    });
    expect(first!.kvTransfers).toMatchObject({ handedOver: 1, held: 0 });
    expect(decode.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
    expect(first!.requests[0]?.id).toBe(decode.requests[0]?.id);
    await expectNothingLeft(setting);
  });

  it("names the rank that computes the prompt", async () => {
    await using setting = await setUp({
      engine: { dataParallelSize: 2 },
      flags: ["--policy", "round_robin"],
    });
    for (const at of [0, 1, 2, 3]) {
      // oxlint-disable-next-line no-await-in-loop -- in turns
      await complete(setting.router, { prompt: `${at}: ${PROMPT}` });
    }
    const ids = [0, 1, 2, 3].map((at) => String(paramsOf(setting.decode, at)["remote_engine_id"]));
    expect(new Set(ids.map((id) => id.slice(-4)))).toEqual(new Set(["_dp0", "_dp1"]));
    expect(setting.decode.kvTransfers).toMatchObject({ fetched: 4, missing: 0 });
    await expectNothingLeft(setting);
  });

  it("starts anew with another prefill engine and another transfer when a prefill fails", async () => {
    await using setting = await setUp({ prefill: 2, flags: ["--prefill-policy", "round_robin"] });
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.errorStatus = "UNAVAILABLE";
    const expected = await alone();
    for (const at of [0, 1]) {
      // oxlint-disable-next-line no-await-in-loop -- in turns
      const answer = await complete(router);
      expect([at, answer.choices]).toEqual([at, expected.choices]);
      // oxlint-disable-next-line no-await-in-loop -- in turns
      await router.post("/v1/completions", { ...BODY, prompt: `another ${at} ${PROMPT}` });
    }
    expect(prefill[0]!.requests.length).toBeGreaterThan(0);
    expect(decode.kvTransfers).toMatchObject({ missing: 0 });
    const ids = decode.requests.map((_, at) => paramsOf(decode, at)["transfer_id"]);
    const given = ids.filter((id) => id !== undefined);
    expect(new Set(given).size).toBe(given.length);
    await expectNothingLeft(setting);
  });

  it.each(["refuses", "dies while it computes"])(
    "has the decode engine compute the prompt when the only prefill engine %s",
    async (how) => {
      await using setting = await setUp();
      const { prefill, decode, router } = setting;
      const [only] = prefill;
      if (how === "refuses") {
        only!.faults.errorStatus = "INTERNAL";
      } else {
        only!.faults.isHanging = true;
      }
      const answering = complete(router);
      if (how !== "refuses") {
        await eventually("both legs run", () => only!.runningRequests === 1 && decode.runningRequests === 1);
        await only!.kill();
      }
      expect((await answering).choices).toEqual((await alone()).choices);
      expect(decode.requests.at(-1)?.request.kvTransferParamsJson).toBeUndefined();
      await expectNothingLeft(setting);
    },
  );

  it("tries again when the decode engine fails before its first output", async () => {
    await using setting = await setUp();
    // Every second request is refused.
    setting.decode.faults.refuseRate = 0.5;
    await complete(setting.router, { prompt: `first ${PROMPT}` });
    const answer = await complete(setting.router);
    expect(answer.choices).toEqual((await alone()).choices);
    expect(setting.decode.requests).toHaveLength(3);
    const [, refused, again] = [0, 1, 2].map((at) => paramsOf(setting.decode, at)["transfer_id"]);
    expect(again).not.toBe(refused);
    expect(setting.decode.kvTransfers).toMatchObject({ missing: 0 });
    await eventually("nothing is in flight", () => setting.router.router.inFlight() === 0);
  });

  it("ends both legs when the client leaves during the prefill", async () => {
    await using setting = await setUp();
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.isHanging = true;
    const client = new AbortController();
    const asked = router
      .post("/v1/completions", { ...BODY, stream: true }, { signal: client.signal })
      .then((answer) => answer.text())
      .catch(() => "gone");
    await eventually(
      "both legs run",
      () => prefill[0]!.runningRequests === 1 && decode.runningRequests === 1,
    );
    client.abort();
    expect(await asked).toBe("gone");
    await expectNothingLeft(setting);
    expect([prefill[0]!.abortCount, decode.abortCount]).toEqual([1, 1]);
  });

  it("asks the bootstrap server anew when the prefill engine has restarted", async () => {
    await using setting = await setUp();
    const { prefill, decode, router } = setting;
    await complete(router);
    const before = paramsOf(decode)["remote_engine_id"];
    await prefill[0]!.kill();
    await eventually("its end is noticed", () => router.router.readyWorkers() === 1);
    await prefill[0]!.restart();
    await eventually("it is back", () => router.router.readyWorkers() === 2);
    await complete(router, { prompt: `again ${PROMPT}` });
    expect(decode.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
    const after = paramsOf(decode, decode.requests.length - 1)["remote_engine_id"];
    expect(after).not.toBe(before);
    await expectNothingLeft(setting);
  });
});

describe.each<PairTransport>(["http", "vllm-inference"])(
  "prefill and decode over Mooncake and %s",
  (transport) => {
    it("says what one engine alone would, streamed or not", async () => {
      await using setting = await setUp({ transport });
      const { prefill, decode, router } = setting;
      expect((await complete(router)).choices.map(({ text }) => text)).toEqual(
        (await alone()).choices.map(({ text }) => text),
      );
      const stream = await router.post("/v1/completions", {
        ...BODY,
        prompt: `Streamed. ${PROMPT}`,
        stream: true,
      });
      expect(await stream.text()).toContain("[DONE]");
      expect(prefill[0]!.kvTransfers).toMatchObject({ handedOver: 2, held: 0 });
      expect(decode.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
      expect(prefill[0]!.generatedTokens).toBe(2);
      await expectNothingLeft(setting);
    });
  },
);

describe.each<PairTransport>(["vllm-engine", "http"])(
  "when something fails over Mooncake and %s",
  (transport) => {
    const two = { transport, prefill: 2, flags: ["--prefill-policy", "round_robin"] };
    const both = (router: TestRouter): Promise<Completion>[] =>
      [0, 1].map((at) => complete(router, { prompt: `${at}. ${PROMPT}` }));
    const reasonsOf = async (answers: readonly Promise<Completion>[]): Promise<readonly unknown[]> =>
      (await Promise.all(answers)).map(({ choices }) => choices[0]?.finish_reason);

    it.each(["refuses", "dies while it computes", "is slow"])(
      "asks another prefill engine when one %s",
      async (how) => {
        const flags = [...two.flags, "--prefill-timeout-secs", how === "is slow" ? "0.3" : "30"];
        await using setting = await setUp({ ...two, flags });
        const { prefill, decode, router } = setting;
        if (how === "refuses") {
          prefill[0]!.faults.errorStatus = "UNAVAILABLE";
        } else {
          prefill[0]!.faults.isHanging = true;
        }
        const asked = both(router);
        if (how === "dies while it computes") {
          await eventually("one has its share", () => prefill[0]!.runningRequests > 0);
          await prefill[0]!.kill();
        }
        expect(await reasonsOf(asked)).toEqual(["length", "length"]);
        expect(prefill[1]!.kvTransfers).toMatchObject({ handedOver: 2 });
        expect(decode.kvTransfers?.fetched).toBe(2);
        prefill[0]!.faults.isHanging = false;
        await expectNothingLeft(setting);
      },
    );

    it("asks another when one dies after its answer, before the blocks have moved", async () => {
      await using setting = await setUp(two);
      const { prefill, decode, router } = setting;
      prefill[0]!.faults.keepsBlocks = true;
      const asked = both(router);
      await eventually("both prompts are computed", async () => (await metric(router, PREFILLS)) === 2);
      await prefill[0]!.kill();
      expect(await reasonsOf(asked)).toEqual(["length", "length"]);
      expect(decode.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
      expect(await metric(router, NOT_FETCHED)).toBe(1);
      await expectNothingLeft(setting);
    });

    it("goes to another decode engine, with a new transfer, when one dies before its first output", async () => {
      await using setting = await setUp({ transport, decode: 2, flags: ["--decode-policy", "round_robin"] });
      const { decodes, router } = setting;
      decodes[0]!.faults.isHanging = true;
      const asked = both(router);
      await eventually("one has its share", () => decodes[0]!.runningRequests > 0);
      await decodes[0]!.kill();
      expect(await reasonsOf(asked)).toEqual(["length", "length"]);
      expect(decodes[1]!.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
      await eventually("nothing is in flight", () => router.router.inFlight() === 0);
    });

    it("ends both legs when the client leaves while the decode engine waits for blocks", async () => {
      await using setting = await setUp({ transport });
      const { prefill, decode, router } = setting;
      prefill[0]!.faults.isHanging = true;
      const client = new AbortController();
      const asked = router
        .post("/v1/completions", BODY, { signal: client.signal })
        .then((answer) => answer.text())
        .catch(() => "gone");
      await eventually(
        "both legs run",
        () => prefill[0]!.runningRequests === 1 && decode.runningRequests === 1,
      );
      client.abort();
      expect(await asked).toBe("gone");
      await expectNothingLeft(setting);
      expect([prefill[0]!.abortCount, decode.abortCount]).toEqual([1, 1]);
    });
  },
);
