import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import {
  alone,
  BODY,
  complete,
  metric,
  NOT_FETCHED,
  type PairTransport,
  PREFILLS,
  PROMPT,
} from "./pair-answers.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

type Mode = "write" | "read";

interface Options {
  readonly mode?: Mode;
  readonly transport?: PairTransport;
  readonly prefill?: number;
  readonly decode?: number;
  readonly flags?: readonly string[];
  readonly engine?: SimulatorOptions;
}

/** Engines with MoRI-IO and a router that divides generations between them. */
interface Setting extends AsyncDisposable {
  readonly prefill: readonly Simulator[];
  readonly decode: readonly Simulator[];
  readonly router: TestRouter;
}

/** Every engine has an address of its own: the configured ports are then the same everywhere. */
let nextHost = 1;

async function startEngine(role: "kv_producer" | "kv_consumer", options: Options): Promise<Simulator> {
  const { mode = "write", transport = "vllm-engine" } = options;
  nextHost += 1;
  return startSimulator({
    speed: 0,
    servedModelNames: ["sim"],
    host: `127.0.2.${nextHost}`,
    kvConnector: { role, mode, handshakePort: 6301, notifyPort: 61_005 },
    ...(transport === "http" ? { httpPort: 0 } : { protocol: transport }),
    ...(transport === "vllm-inference" ? { modelPath: BUILTIN_MODEL } : {}),
    ...options.engine,
  });
}

const urlOf = ({ address, httpAddress }: Simulator): string => `http://${httpAddress ?? address}`;

async function setUp(options: Options = {}): Promise<Setting> {
  const { mode = "write", transport = "vllm-engine" } = options;
  const start = (role: "kv_producer" | "kv_consumer", count = 1): Promise<Simulator[]> =>
    Promise.all(Array.from({ length: count }, () => startEngine(role, options)));
  const prefill = await start("kv_producer", options.prefill);
  const decode = await start("kv_consumer", options.decode);
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      "moriio",
      ...(mode === "write" ? [] : ["--moriio-transfer-mode", mode]),
      ...prefill.flatMap((engine) => ["--prefill", urlOf(engine)]),
      ...decode.flatMap((engine) => ["--decode", urlOf(engine)]),
      "--health-check-interval-secs",
      "1",
      ...(transport === "vllm-inference" ? ["--model-path", BUILTIN_MODEL] : []),
      ...(options.flags ?? []),
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
  const engines = [...prefill, ...decode];
  await eventually("no engine runs anything", () => engines.every((engine) => engine.runningRequests === 0));
  await eventually("no engine holds blocks", () =>
    engines.every((engine) => (engine.kvTransfers?.held ?? 0) === 0),
  );
  expect(engines.map(({ unreadPrompts }) => unreadPrompts)).toEqual(engines.map(() => 0));
}

const paramsOf = (engine: Simulator | undefined, at = 0): Readonly<Record<string, unknown>> =>
  JSON.parse(engine?.requests.at(at)?.request.kvTransferParamsJson ?? "{}") as Readonly<
    Record<string, unknown>
  >;

const MODES: readonly Mode[] = ["write", "read"];
const LANES = MODES.flatMap((mode) =>
  (["vllm-engine", "vllm-inference", "http"] as const).map((transport) => ({ mode, transport })),
);

describe("prefill and decode over MoRI-IO", () => {
  it.each(LANES)("hands prompts over in $mode mode over $transport", async (lane) => {
    await using setting = await setUp(lane);
    const { prefill, decode, router } = setting;
    const expected = (await alone()).choices;
    expect((await complete(router)).choices.map(({ text }) => text)).toEqual(
      expected.map(({ text }) => text),
    );
    expect(prefill[0]!.kvTransfers).toMatchObject({ handedOver: 1, held: 0 });
    expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
    expect(decode[0]!.kvTransfers?.fetchedTokens).toBeGreaterThan(100);
    expect(prefill[0]!.generatedTokens).toBe(1);
    const stream = await router.post("/v1/completions", {
      ...BODY,
      prompt: `Streamed. ${PROMPT}`,
      stream: true,
    });
    expect(await stream.text()).toContain("[DONE]");
    expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
    await expectNothingLeft(setting);
  });

  it("tells each engine where the other is, in write mode", async () => {
    await using setting = await setUp();
    const [prefill] = setting.prefill;
    const [decode] = setting.decode;
    await complete(setting.router);
    const sent = paramsOf(prefill);
    expect(sent).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: expect.stringMatching(/^tx-[0-9a-f]{8,}$/),
      remote_engine_id: `${decode!.host}:6301`,
      remote_block_ids: null,
      remote_host: decode!.host,
      remote_handshake_port: 6301,
      remote_notify_port: 61_005,
      remote_dp_size: 1,
    });
    expect(paramsOf(decode)).toEqual({
      ...sent,
      do_remote_decode: false,
      do_remote_prefill: true,
      remote_engine_id: `${prefill!.host}:6301`,
      remote_host: prefill!.host,
      is_request_leader: true,
    });
    expect(prefill!.requests[0]?.id).toBe(decode!.requests[0]?.id);
  });

  it("hands the prefill engine's answer on in read mode", async () => {
    await using setting = await setUp({ mode: "read" });
    const [prefill] = setting.prefill;
    await complete(setting.router);
    const sent = paramsOf(prefill);
    expect(sent).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: expect.stringMatching(/^tx-[0-9a-f]{8,}$/),
      remote_engine_id: null,
      remote_block_ids: null,
    });
    expect(paramsOf(setting.decode[0])).toMatchObject({
      do_remote_prefill: true,
      transfer_id: sent["transfer_id"],
      remote_engine_id: `${prefill!.host}:6301`,
      remote_host: prefill!.host,
      remote_handshake_port: "6301",
      remote_notify_port: 61_005,
      remote_dp_rank: 0,
      remote_dp_size: 1,
    });
  });

  it.each(LANES.filter(({ transport }) => transport !== "vllm-inference"))(
    "names the rank that computes the prompt ($mode, $transport)",
    async (lane) => {
      const isHttp = lane.transport === "http";
      await using setting = await setUp({
        ...lane,
        engine: { dataParallelSize: 2 },
        flags: ["--policy", "round_robin", ...(isHttp ? ["--intra-node-data-parallel-size", "2"] : [])],
      });
      const asked = [0, 1, 2, 3].map((at) => complete(setting.router, { prompt: `${at}: ${PROMPT}` }));
      await Promise.all(asked);
      expect(setting.decode[0]!.kvTransfers).toMatchObject({ fetched: 4, missing: 0 });
      expect(setting.prefill[0]!.kvTransfers).toMatchObject({ handedOver: 4 });
      await expectNothingLeft(setting);
    },
  );

  it.each(MODES)("lets no client's request id lead an engine elsewhere (%s)", async (mode) => {
    await using setting = await setUp({ mode, transport: "http" });
    const elsewhere = "host:10.0.0.1,handshake:1,notify:2";
    const id = `___prefill_addr_${elsewhere}___decode_addr_${elsewhere}_${"0".repeat(32)}`;
    await complete(setting.router, {}, { headers: { "x-request-id": id } });
    expect(setting.decode[0]!.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
    await expectNothingLeft(setting);
  });
});

describe("what a decode engine makes of a prompt that it is not handed", () => {
  const SEVERAL = { n: 2, seed: 1, temperature: 1 };

  it("is an answer in write mode", async () => {
    await using setting = await setUp();
    expect((await complete(setting.router, SEVERAL)).choices).toEqual((await alone(SEVERAL)).choices);
    expect(setting.prefill[0]!.requests).toHaveLength(0);
    await expectNothingLeft(setting);
  });

  it.each(["vllm-engine", "http"] as const)(
    "is nonsense in read mode, so that a prefill engine generates what cannot be divided (%s)",
    async (transport) => {
      await using setting = await setUp({ mode: "read", transport });
      const { prefill, decode, router } = setting;
      expect((await complete(router, SEVERAL)).choices).toEqual((await alone(SEVERAL)).choices);
      expect(decode[0]!.generatedTokens).toBe(0);
      // Short prompts and those it holds are handed over like others.
      await complete(router, { prompt: "Hi" });
      await complete(router);
      await complete(router);
      expect(prefill[0]!.kvTransfers).toMatchObject({ handedOver: 3 });
      expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 3, missing: 0 });
      await expectNothingLeft(setting);
    },
  );

  it("refuses the request in read mode when no prefill engine is left, whatever the fall-back", async () => {
    await using setting = await setUp({ mode: "read", flags: ["--disable-retries"] });
    setting.prefill[0]!.faults.errorStatus = "UNAVAILABLE";
    expect((await setting.router.post("/v1/completions", BODY)).status).toBe(503);
    expect(setting.decode[0]!.requests).toHaveLength(0);
    await eventually("nothing is in flight", () => setting.router.router.inFlight() === 0);
  });

  it("has the prefill engine say in read mode what is wrong with a request, in its own words", async () => {
    await using setting = await setUp({ mode: "read", transport: "http" });
    const answer = await setting.router.post("/v1/completions", { ...BODY, temperature: -1 });
    const body = (await answer.json()) as { error: { message: string } };
    expect([answer.status, body.error.message]).toEqual([400, expect.stringContaining("temperature")]);
    await expectNothingLeft(setting);
  });
});

describe.each([
  { mode: "write", transport: "vllm-engine" },
  { mode: "write", transport: "http" },
  { mode: "read", transport: "http" },
] as const)("when something fails, in $mode mode over $transport", (lane) => {
  /** Two prefill engines, of which the first is asked first. */
  const pairOfPrefills = { ...lane, prefill: 2, flags: ["--prefill-policy", "round_robin"] };

  it("asks another prefill engine when one refuses", async () => {
    await using setting = await setUp(pairOfPrefills);
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.errorStatus = "UNAVAILABLE";
    const expected = (await alone()).choices;
    expect((await complete(router)).choices).toEqual(expected);
    const other = await complete(router, { prompt: `Another. ${PROMPT}` });
    expect(other.choices[0]?.finish_reason).toBe("length");
    expect(prefill[1]!.kvTransfers?.handedOver).toBe(2);
    expect(decode[0]!.kvTransfers).toMatchObject({ fetched: 2, missing: 0 });
    await expectNothingLeft(setting);
  });

  it("asks another when one dies while it computes, or is slow", async () => {
    const flags = [...pairOfPrefills.flags, "--prefill-timeout-secs", "0.4"];
    await using setting = await setUp({ ...pairOfPrefills, flags });
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.isHanging = true;
    const expected = (await alone()).choices;
    const slow = [0, 1].map((at) => complete(router, { prompt: `${at} ${PROMPT}` }));
    await eventually("one has its share", () => prefill[0]!.runningRequests > 0);
    expect((await Promise.all(slow)).map(({ choices }) => choices[0]?.finish_reason)).toEqual([
      "length",
      "length",
    ]);
    const dying = [complete(router), complete(router, { prompt: `Third. ${PROMPT}` })];
    await eventually("one has its share again", () => prefill[0]!.runningRequests > 0);
    await prefill[0]!.kill();
    const [first] = await Promise.all(dying);
    expect(first?.choices).toEqual(expected);
    expect(decode[0]!.kvTransfers).toMatchObject({ missing: 0 });
    await expectNothingLeft(setting);
  });

  it("asks another when one dies after its answer, before the blocks have moved", async () => {
    await using setting = await setUp(pairOfPrefills);
    const { prefill, decode, router } = setting;
    // Who reads finds it dead; who is written to waits.
    if (lane.mode === "read") {
      prefill[0]!.faults.dieAtFetch = 0;
    } else {
      prefill[0]!.faults.keepsBlocks = true;
    }
    const both = [complete(router), complete(router, { prompt: `Another. ${PROMPT}` })];
    if (lane.mode === "write") {
      await eventually("both prompts are computed", async () => (await metric(router, PREFILLS)) === 2);
      await prefill[0]!.kill();
    }
    const [first, second] = await Promise.all(both);
    expect(first?.choices).toEqual((await alone()).choices);
    expect(second?.choices[0]?.finish_reason).toBe("length");
    expect(decode[0]!.kvTransfers?.fetched).toBe(2);
    expect(await metric(router, NOT_FETCHED)).toBe(1);
    await expectNothingLeft(setting);
  });

  it("goes to another decode engine, with a new transfer, when one refuses or dies before its first output", async () => {
    await using setting = await setUp({ ...lane, decode: 2, flags: ["--decode-policy", "round_robin"] });
    const { decode, router } = setting;
    decode[0]!.faults.errorStatus = "UNAVAILABLE";
    const expected = (await alone()).choices;
    expect((await complete(router)).choices).toEqual(expected);
    decode[0]!.faults.errorStatus = undefined;
    decode[0]!.faults.isHanging = true;
    const more = [0, 1].map((at) => complete(router, { prompt: `${at}. ${PROMPT}` }));
    await eventually("one has its share", () => decode[0]!.runningRequests > 0);
    await decode[0]!.kill();
    const reasons = (await Promise.all(more)).map(({ choices }) => choices[0]?.finish_reason);
    expect(reasons).toEqual(["length", "length"]);
    expect(decode[1]!.kvTransfers).toMatchObject({ fetched: 3, missing: 0 });
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  });

  it("ends what runs when the client leaves during the prefill", async () => {
    await using setting = await setUp(lane);
    const { prefill, decode, router } = setting;
    prefill[0]!.faults.isHanging = true;
    const client = new AbortController();
    const asked = router
      .post("/v1/completions", { ...BODY, stream: true }, { signal: client.signal })
      .then((answer) => answer.text())
      .catch(() => "gone");
    const running = lane.mode === "write" ? 1 : 0;
    await eventually(
      "the legs run",
      () => prefill[0]!.runningRequests === 1 && decode[0]!.runningRequests === running,
    );
    client.abort();
    expect(await asked).toBe("gone");
    await expectNothingLeft(setting);
    expect([prefill[0]!.abortCount, decode[0]!.abortCount]).toEqual([1, running]);
  });
});
