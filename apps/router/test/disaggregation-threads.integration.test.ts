import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import type { StartedThread } from "../src/threads/request-threads.ts";
import { startHttpWorker, type HttpWorker } from "./http-worker.ts";
import { BODY, metric, PREFILLS, PROMPT } from "./pair-answers.ts";
import { alone, times, type Answer } from "./separate-requests.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const DIVIDED = /^vllm_router_pd_decisions_total\{.*prefill_decode.*\} (\d+)$/gm;
const THREADS = ["--threads", "2"];

/** Engines of both legs and a router of two request threads. */
interface Setting extends AsyncDisposable {
  readonly prefill: readonly Simulator[];
  readonly decode: readonly Simulator[];
  readonly router: TestRouter;
  readonly threads: readonly StartedThread[];
}

async function setUp(
  connector: "nixl" | "mooncake",
  counts: { readonly prefill?: number; readonly decode?: number; readonly engine?: SimulatorOptions } = {},
  flags: readonly string[] = [],
): Promise<Setting> {
  const start = (count = 1): Promise<Simulator[]> =>
    Promise.all(
      times(count, () =>
        startSimulator({ speed: 0, servedModelNames: ["sim"], kvConnector: connector, ...counts.engine }),
      ),
    );
  const prefill = await start(counts.prefill);
  const decode = await start(counts.decode);
  const threads: StartedThread[] = [];
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      connector,
      ...prefill.flatMap(({ address, bootstrapPort }) => [
        "--prefill",
        `grpc://${address}`,
        ...(connector === "mooncake" ? [String(bootstrapPort)] : []),
      ]),
      ...decode.flatMap(({ address }) => ["--decode", `grpc://${address}`]),
      "--health-check-interval-secs",
      "1",
      ...THREADS,
      ...flags,
    ],
    { threadStarted: (thread) => threads.push(thread) },
  );
  return {
    prefill,
    decode,
    router,
    threads,
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await Promise.all([...prefill, ...decode].map((engine) => engine.close()));
    },
  };
}

/** Asks on a connection of its own, for a prompt that nobody has asked for. */
const ask = (router: TestRouter, name: string): Promise<Answer> =>
  alone(`${router.url}/v1/completions`, { body: { ...BODY, prompt: `${name}: ${PROMPT}` } });

/** Asks so often that every thread has its share. */
const askAll = async (router: TestRouter, name: string, count = 16): Promise<readonly number[]> =>
  (await Promise.all(times(count, (at) => ask(router, `${name} ${at}`)))).map(({ status }) => status);

const ALL_WELL = times(16, () => 200);

/** Nothing is booked, held or running any more. */
async function expectNothingLeft({ prefill, decode, router }: Setting): Promise<void> {
  await eventually("nothing is in flight", () => router.router.inFlight() === 0);
  const engines = [...prefill, ...decode];
  await eventually("no engine runs anything", () => engines.every((engine) => engine.runningRequests === 0));
  await eventually("no engine holds blocks", () =>
    prefill.every((engine) => (engine.kvTransfers?.held ?? 0) === 0),
  );
}

const sum = (engines: readonly Simulator[], what: "fetched" | "missing"): number =>
  engines.reduce((total, engine) => total + (engine.kvTransfers?.[what] ?? 0), 0);

describe("pairs in several threads", { timeout: 60_000 }, () => {
  it.each(["nixl", "mooncake"] as const)(
    "divide every request over %s, and spread both legs over what all threads see",
    async (connector) => {
      await using setting = await setUp(connector, { prefill: 2, decode: 2 }, ["--policy", "round_robin"]);
      const { prefill, decode, router } = setting;
      expect(await askAll(router, "one")).toEqual(ALL_WELL);
      for (const engines of [prefill, decode]) {
        const counts = engines.map(({ requests }) => requests.length);
        expect([counts[0]! + counts[1]!, Math.min(...counts) > 0]).toEqual([16, true]);
      }
      expect([sum(decode, "fetched"), sum(decode, "missing")]).toEqual([16, 0]);
      expect(await metric(router, PREFILLS)).toBe(16);
      expect(await metric(router, DIVIDED)).toBe(16);
      for (const ready of await Promise.all(times(8, () => alone(`${router.url}/readiness`)))) {
        expect(JSON.parse(ready.text)).toMatchObject({
          prefill: { healthy: 2, total: 2 },
          decode: { healthy: 2, total: 2 },
        });
      }
      await expectNothingLeft(setting);
    },
  );

  it("leave the prefill engine out when a decode engine holds the prompt that another thread placed", async () => {
    await using setting = await setUp("nixl");
    const { prefill, decode, router } = setting;
    expect((await ask(router, "held")).status).toBe(200);
    await eventually("every thread knows", async () => {
      const before = prefill[0]!.requests.length;
      await Promise.all(times(4, () => ask(router, "held")));
      return prefill[0]!.requests.length === before;
    });
    const before = prefill[0]!.requests.length;
    await Promise.all(times(16, () => ask(router, "held")));
    expect(prefill[0]!.requests.length).toBe(before);
    expect(decode[0]!.requests.length).toBeGreaterThanOrEqual(17);
    await expectNothingLeft(setting);
  });

  it("hand over under the new ids once an engine has restarted, in every thread", async () => {
    await using setting = await setUp("mooncake", {}, ["--disable-retries"]);
    const { prefill, decode, router } = setting;
    const idsSince = (at: number): Set<unknown> =>
      new Set(
        decode[0]!.requests
          .slice(at)
          .map(({ request }) => JSON.parse(request.kvTransferParamsJson ?? "{}") as Record<string, unknown>)
          .map((params) => params["remote_engine_id"]),
      );
    expect(await askAll(router, "before")).toEqual(ALL_WELL);
    const [former] = idsSince(0);
    await prefill[0]!.kill();
    await eventually("its end is noticed", () => router.router.readyWorkers() === 1);
    await prefill[0]!.restart();
    await eventually("it is back", () => router.router.readyWorkers() === 2);
    const at = decode[0]!.requests.length;
    expect(await askAll(router, "after")).toEqual(ALL_WELL);
    expect(idsSince(at).size).toBe(1);
    expect(idsSince(at)).not.toContain(former);
    expect(sum(decode, "missing")).toBe(0);
    await expectNothingLeft(setting);
  });

  it("drop what a decode engine had that restarted", async () => {
    await using setting = await setUp("nixl");
    const { prefill, decode, router } = setting;
    expect(await askAll(router, "one")).toEqual(ALL_WELL);
    await decode[0]!.kill();
    await eventually("its end is noticed", () => router.router.readyWorkers() === 1);
    await decode[0]!.restart();
    await eventually("it is back", () => router.router.readyWorkers() === 2);
    const before = prefill[0]!.requests.length;
    // Nobody takes it for held what the engine's former life held.
    expect(await askAll(router, "one")).toEqual(ALL_WELL);
    expect(prefill[0]!.requests.length).toBe(before + 16);
    await expectNothingLeft(setting);
  });

  it.each(["nixl", "mooncake"] as const)(
    "are given back on both legs when the thread dies that runs them, over %s",
    async (connector) => {
      await using setting = await setUp(connector);
      const { prefill, decode, router, threads } = setting;
      prefill[0]!.faults.isHanging = true;
      const outcomes = times(16, (at) =>
        ask(router, `running ${at}`).then(
          ({ status }) => status,
          () => 0,
        ),
      );
      const legs = connector === "mooncake" ? 2 : 1;
      const running = (): number => prefill[0]!.runningRequests + decode[0]!.runningRequests;
      await eventually("all of them run", () => running() === 16 * legs);
      // A place at the decode engine is taken from the beginning.
      expect(router.router.inFlight()).toBe(32);
      await threads[0]!.terminate();
      await eventually(
        "both engines have no more than the other thread's",
        () => running() < 16 * legs && router.router.inFlight() === (running() / legs) * 2,
      );
      const left = running() / legs;
      prefill[0]!.faults.isHanging = false;
      const statuses = await Promise.all(outcomes);
      expect(statuses.filter((status) => status === 200)).toHaveLength(left);
      expect(statuses.filter((status) => status === 0)).toHaveLength(16 - left);
      await eventually(
        "another thread serves",
        () => router.logText().includes("serves in its place"),
        30_000,
      );
      const fetched = sum(decode, "fetched");
      expect(await askAll(router, "again")).toEqual(ALL_WELL);
      expect([sum(decode, "fetched"), sum(decode, "missing")]).toEqual([fetched + 16, 0]);
      await expectNothingLeft(setting);
    },
  );
});

/** A prefill engine that pushes, a decode engine, and what the latter was handed. */
interface PushSetting extends AsyncDisposable {
  readonly router: TestRouter;
  readonly threads: readonly StartedThread[];
  /** Of every handover: the id of the engine, and whether both legs had started together. */
  readonly handed: { readonly engineId: unknown; readonly isTogether: boolean }[];
  /** Gives the prefill engine another id, or has it fail. */
  readonly engine: { id: string; isFailing: boolean };
}

async function setUpPushing(): Promise<PushSetting> {
  const engine = { id: "first life", isFailing: false };
  const handed: { engineId: unknown; isTogether: boolean }[] = [];
  const answer = (params: unknown): string =>
    JSON.stringify({
      id: "cmpl-1",
      object: "text_completion",
      created: 1,
      model: "sim",
      choices: [{ index: 0, text: "word", finish_reason: "length", logprobs: null }],
      usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
      kv_transfer_params: params,
    });
  const prefill = await startHttpWorker(["sim"], (_, response) => {
    const place = { remote_engine_id: engine.id, remote_host: "127.0.0.1", remote_port: 1, tp_size: 1 };
    response.writeHead(engine.isFailing ? 500 : 200, { "content-type": "application/json" });
    response.end(
      engine.isFailing
        ? '{"error":{"message":"no","type":"InternalServerError","param":null,"code":500}}'
        : answer({ do_remote_prefill: true, ...place, remote_block_ids: [1], transfer_mode: "push" }),
    );
  });
  const decode = await startHttpWorker(["sim"], (_, response, body) => {
    const { kv_transfer_params: params } = JSON.parse(body) as {
      kv_transfer_params?: Record<string, unknown>;
    };
    if (params !== undefined) {
      handed.push({ engineId: params["remote_engine_id"], isTogether: !("remote_block_ids" in params) });
    }
    response.writeHead(200, { "content-type": "application/json" }).end(answer(null));
  });
  const threads: StartedThread[] = [];
  const router = await startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--kv-connector",
      "nixl",
      "--prefill",
      prefill.url,
      "--decode",
      decode.url,
      // Nothing but the legs themselves is looked at.
      "--disable-circuit-breaker",
      ...THREADS,
    ],
    { threadStarted: (thread) => threads.push(thread) },
  );
  const workers: readonly HttpWorker[] = [prefill, decode];
  return {
    router,
    threads,
    handed,
    engine,
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
    },
  };
}

describe("what a prefill engine tells in its answers", { timeout: 60_000 }, () => {
  /** What a thread told before the first of these is known everywhere after the second: all threads are asked each time. */
  const allHeard = async ({ url }: TestRouter): Promise<void> => {
    await alone(`${url}/metrics`);
    await alone(`${url}/metrics`);
  };
  const separately = ({ handed }: PushSetting): number =>
    handed.filter(({ isTogether }) => !isTogether).length;

  it("is known in every thread, and in one that is started later", async () => {
    await using setting = await setUpPushing();
    const { router, handed, threads } = setting;
    expect((await ask(router, "first")).status).toBe(200);
    expect(handed).toEqual([{ engineId: "first life", isTogether: false }]);
    await allHeard(router);
    expect(await askAll(router, "then")).toEqual(ALL_WELL);
    expect([handed.length, separately(setting)]).toEqual([17, 1]);

    await threads[0]!.terminate();
    await threads[1]!.terminate();
    await eventually(
      "others serve",
      () => router.logText().split("serves in its place").length === 3,
      30_000,
    );
    expect(await askAll(router, "later")).toEqual(ALL_WELL);
    expect([handed.length, separately(setting)]).toEqual([33, 1]);
  });

  it("is void in every thread when the engine fails in one", async () => {
    await using setting = await setUpPushing();
    const { router, handed, engine } = setting;
    expect((await ask(router, "first")).status).toBe(200);
    await allHeard(router);
    engine.isFailing = true;
    // The decode engine computes the prompt then.
    expect((await ask(router, "failing")).status).toBe(200);
    await allHeard(router);
    engine.isFailing = false;
    engine.id = "second life";
    const at = handed.length;
    expect((await ask(router, "anew")).status).toBe(200);
    await allHeard(router);
    expect(await askAll(router, "then")).toEqual(ALL_WELL);
    expect(new Set(handed.slice(at).map(({ engineId }) => engineId))).toEqual(new Set(["second life"]));
    expect(separately({ ...setting, handed: handed.slice(at) })).toBe(1);
  });
});
