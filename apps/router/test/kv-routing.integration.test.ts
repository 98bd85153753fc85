import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const EXPLAIN = { headers: { "x-vllm-router-explain": "1" } };
const FLAGS = ["--enable-explain", "--enable-prompt-tokens-details"];
const ZMQ = { endpoint: "tcp://127.0.0.1:0", replayEndpoint: "tcp://127.0.0.1:0" };

const urlOf = (engine: Simulator): string => `http://${engine.address}`;
const promptOf = (identity: number, length: number): number[] =>
  Array.from({ length }, (_, position) => 300 + ((identity * 97 + position) % 1_000));

interface Told {
  readonly worker: string;
  readonly reason: string;
  /** Tokens that the router believed the worker had. */
  readonly matched: number;
  /** Tokens that the engine says it had. */
  readonly cached: number;
}

async function complete(router: TestRouter, prompt: readonly number[], extra: object = {}): Promise<Told> {
  const answer = await router.post(
    "/v1/completions",
    { prompt, max_tokens: 1, temperature: 0, ...extra },
    EXPLAIN,
  );
  const text = await answer.text();
  const header = answer.headers.get("x-vllm-router-decision") ?? "";
  const [, worker = "", reason = "", matched = ""] =
    /place=(\S+); rank=\d+; reason=(\w+); matched=(\d+)/.exec(header) ?? [];
  expect({ status: answer.status, header, text }).toMatchObject({ status: 200 });
  const { usage } = JSON.parse(text) as {
    usage: { prompt_tokens_details: { cached_tokens: number } | null };
  };
  return {
    worker,
    reason,
    matched: Number(matched),
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Another router, which knows only one of the engines: what it sends there, the first one can know by events alone. */
async function besides(engine: Simulator, prompts: readonly (readonly number[])[]): Promise<void> {
  await using other = await startRouter([urlOf(engine)], ["--policy", "random"]);
  for (const prompt of prompts) {
    const answer = await other.post("/v1/completions", { prompt, max_tokens: 1, temperature: 0 });
    expect(answer.status).toBe(200);
    await answer.text();
  }
}

/** Waits until the router has heard of so many blocks in all. */
async function heardOf(router: TestRouter, blocks: number): Promise<void> {
  await eventually(`the router has heard of ${blocks} blocks`, async () => {
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    const told = [...metrics.matchAll(/^vllm_router_kv_event_blocks\{.*\} (\d+)$/gm)];
    return told.reduce((sum, [, count]) => sum + Number(count), 0) === blocks;
  });
}

describe("routing by what engines say they hold", () => {
  it("finds by SubscribeKvEvents the engine that somebody else filled, and knows to the token what it has", async () => {
    await using one = await startSimulator({ speed: 0, blockSize: 32 });
    await using two = await startSimulator({ speed: 0, blockSize: 32 });
    await using router = await startRouter([urlOf(one), urlOf(two)], FLAGS);
    await eventually("both are subscribed to", () => one.openStreams + two.openStreams === 2);
    const filled = [1, 2, 3].map((identity) => promptOf(identity, 200));
    await besides(two, filled);
    await heardOf(router, 3 * 12);
    for (const prompt of filled) {
      expect(await complete(router, [...prompt, ...promptOf(9, 50)])).toEqual({
        worker: urlOf(two),
        reason: "prefix",
        matched: 192,
        cached: 192,
      });
    }
  });

  it("hears the same by ZMQ, late and with losses on the way", async () => {
    await using one = await startSimulator({ speed: 0, kvEvents: false, kvEventsConfig: ZMQ });
    await using two = await startSimulator({ speed: 0, kvEvents: false, kvEventsConfig: ZMQ });
    // Before anybody listens.
    await besides(two, [promptOf(1, 200)]);
    const addresses = [one, two].flatMap((engine) => {
      const [{ endpoint, replayEndpoint } = { endpoint: "", replayEndpoint: "" }] = engine.kvEventAddresses;
      return [
        "--kv-events-endpoint",
        `${urlOf(engine)}=${endpoint}`,
        "--kv-events-replay-endpoint",
        `${urlOf(engine)}=${replayEndpoint}`,
      ];
    });
    await using router = await startRouter([urlOf(one), urlOf(two)], [...FLAGS, ...addresses]);
    await eventually("both are listened to", () => one.kvEventSubscribers + two.kvEventSubscribers === 2);
    await heardOf(router, 12);
    const held = { worker: urlOf(two), reason: "prefix", matched: 192, cached: 192 };
    expect(await complete(router, promptOf(1, 240))).toEqual(held);
    await heardOf(router, 15);

    two.faults.loseKvBatches = 1;
    await besides(two, [promptOf(2, 200)]);
    two.faults.repeatKvBatches = 1;
    await besides(two, [promptOf(3, 200)]);
    await heardOf(router, 15 + 24);
    expect(await complete(router, promptOf(2, 240))).toEqual(held);
    expect(await complete(router, promptOf(3, 240))).toEqual(held);
    expect(router.logText()).toContain("KV events of rank 0: listening to");
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    const figure = (name: string): number =>
      Number(
        new RegExp(`^vllm_router_kv_event_${name}\\{worker="${urlOf(two)}"\\} (.+)$`, "m").exec(metrics)?.[1],
      );
    expect(["gaps_total", "replays_total", "cleared_total", "lost_blocks_total"].map(figure)).toEqual([
      1, 1, 0, 0,
    ]);
    expect(figure("batches_total")).toBeGreaterThan(2);
    expect(figure("age_seconds")).toBeLessThan(60);
    expect(metrics).not.toContain(`vllm_router_kv_event_age_seconds{worker="${urlOf(one)}"}`);
  });

  it.each(["grpc", "zmq"])("forgets an engine that has begun anew (%s)", async (source) => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0, kvEventsConfig: ZMQ });
    const byZmq = ["--kv-events-endpoint", `${urlOf(two)}=${two.kvEventAddresses[0]!.endpoint}`];
    const isHeard = (): boolean => (source === "zmq" ? two.kvEventSubscribers === 1 : two.openStreams === 1);
    await using router = await startRouter(
      [urlOf(one), urlOf(two)],
      [...FLAGS, ...(source === "zmq" ? byZmq : [])],
    );
    await eventually("it is heard", isHeard);
    await besides(two, [promptOf(5, 200), promptOf(6, 200)]);
    await heardOf(router, 24);
    const held = { worker: urlOf(two), reason: "prefix", matched: 192, cached: 192 };
    expect(await complete(router, promptOf(5, 205))).toEqual(held);
    await two.restart();
    await heardOf(router, 0);
    await eventually("its other life is heard", isHeard);
    expect(await complete(router, promptOf(6, 205))).toMatchObject({ matched: 0, cached: 0 });
    await besides(two, [promptOf(7, 200)]);
    await eventually("it is ready", () => router.router.readyWorkers() === 2);
    expect(await complete(router, promptOf(7, 205))).toEqual(held);
  });

  it("follows evictions: what an engine gave up is not claimed", async () => {
    await using one = await startSimulator({ speed: 0, kvBlocks: 20 });
    await using two = await startSimulator({ speed: 0, kvBlocks: 20 });
    await using router = await startRouter([urlOf(one), urlOf(two)], FLAGS);
    await eventually("both are subscribed to", () => one.openStreams + two.openStreams === 2);
    await besides(two, [promptOf(1, 200)]);
    await heardOf(router, 12);
    await besides(two, [promptOf(2, 200)]);
    // Nineteen blocks, and two prompts of thirteen: the end of the first one has to go.
    await heardOf(router, 18);
    const told = await complete(router, promptOf(1, 200));
    expect(told).toMatchObject({ worker: urlOf(two), reason: "prefix", matched: told.cached });
    expect(told.cached).toBeLessThan(192);
  });

  it("knows what HTTP workers hold, where their prompts come as tokens", async () => {
    const options = { speed: 0, httpPort: 0, promptTokensDetails: true, kvEventsConfig: ZMQ };
    await using one = await startSimulator(options);
    await using two = await startSimulator(options);
    const urls = [one, two].map((engine) => `http://${engine.httpAddress}`);
    const events = [one, two].flatMap((engine, at) => [
      "--kv-events-endpoint",
      `${urls[at]}=${engine.kvEventAddresses[0]?.endpoint}`,
    ]);
    await using router = await startRouter(urls, [...FLAGS, ...events]);
    await eventually("both are listened to", () => one.kvEventSubscribers + two.kvEventSubscribers === 2);
    await besides(two, [promptOf(1, 200), promptOf(2, 200)]);
    await heardOf(router, 24);
    const held = { worker: urls[1], reason: "prefix", matched: 192, cached: 192 };
    expect(await complete(router, promptOf(1, 240), { model: "simulated" })).toEqual(held);
    expect(await complete(router, promptOf(2, 240), { model: "simulated" })).toEqual(held);
  });

  for (const protocol of ["vllm-inference", "http"] as const) {
    it(`asks engines where they publish, ranks and replays included, without any flag (${protocol})`, async () => {
      const options = {
        speed: 0,
        promptTokensDetails: true,
        kvEvents: false,
        kvEventsConfig: { ...ZMQ, namesWildcards: true, topic: "kv@here" },
        ...(protocol === "http" ? { httpPort: 0 } : { protocol }),
      };
      await using one = await startSimulator(options);
      await using two = await startSimulator(options);
      const urls = [one, two].map(
        (engine) => `http://${protocol === "http" ? engine.httpAddress : engine.address}`,
      );
      // Before anybody listens: only a replay tells of it.
      await using other = await startRouter([urls[1] ?? ""], ["--policy", "random"]);
      const early = await other.post("/v1/completions", {
        model: "simulated",
        prompt: promptOf(1, 200),
        max_tokens: 1,
      });
      expect(early.status).toBe(200);
      await early.text();
      await using router = await startRouter(urls, FLAGS);
      await eventually("both are listened to", () => one.kvEventSubscribers + two.kvEventSubscribers === 2);
      await heardOf(router, 12);
      expect(await complete(router, promptOf(1, 240), { model: "simulated" })).toEqual({
        worker: urls[1],
        reason: "prefix",
        matched: 192,
        // vllm.Inference does not say.
        cached: protocol === "http" ? 192 : 0,
      });
      await two.restart();
      await heardOf(router, 0);
    });
  }

  for (const protocol of ["vllm-inference", "http"] as const) {
    it(`waits for publishers that dial out, and tells them apart by their topics (${protocol})`, async () => {
      const port = await freePort();
      const options = (name: string): SimulatorOptions => ({
        speed: 0,
        promptTokensDetails: true,
        kvEvents: false,
        kvEventsConfig: {
          endpoint: `tcp://127.0.0.1:${port}`,
          replayEndpoint: "tcp://127.0.0.1:0",
          topic: `kv@${name}@simulated`,
          dials: true,
        },
        ...(protocol === "http" ? { httpPort: 0 } : { protocol }),
      });
      await using one = await startSimulator(options("one"));
      await using two = await startSimulator(options("two"));
      const urls = [one, two].map(
        (engine) => `http://${protocol === "http" ? engine.httpAddress : engine.address}`,
      );
      const fill = async (prompt: readonly number[]): Promise<void> => {
        await using other = await startRouter([urls[1] ?? ""], ["--policy", "random"]);
        const answer = await other.post("/v1/completions", { model: "simulated", prompt, max_tokens: 1 });
        expect(answer.status).toBe(200);
        await answer.text();
      };
      // Before anybody listens: only a replay tells of it, and that is asked for when the engine is heard.
      await fill(promptOf(1, 200));
      await using router = await startRouter(urls, [...FLAGS, "--kv-events-bind", `tcp://*:${port}`]);
      await eventually("both have dialled", () => one.kvEventSubscribers + two.kvEventSubscribers === 2);
      await fill(promptOf(2, 200));
      await heardOf(router, 24);
      for (const identity of [1, 2]) {
        expect(await complete(router, promptOf(identity, 240), { model: "simulated" })).toMatchObject({
          worker: urls[1],
          reason: "prefix",
          matched: 192,
        });
      }
      // Nothing is believed any more that its first life said.
      await two.restart();
      await eventually("its end is known", () => router.logText().includes("hung up"));
      await eventually("its other life has dialled", () => two.kvEventSubscribers === 1);
      await fill(promptOf(3, 200));
      await heardOf(router, 12);
    });
  }

  it("says which engines it cannot tell apart", async () => {
    const port = await freePort();
    const options = (topic: string): SimulatorOptions => ({
      speed: 0,
      httpPort: 0,
      kvEventsConfig: { endpoint: `tcp://127.0.0.1:${port}`, topic, dials: true },
    });
    await using one = await startSimulator(options("same"));
    await using two = await startSimulator(options("same"));
    await using none = await startSimulator(options(""));
    const urls = [one, two, none].map((engine) => `http://${engine.httpAddress}`);
    await using router = await startRouter(urls, [...FLAGS, "--kv-events-bind", `tcp://127.0.0.1:${port}`]);
    const refusals = ["under the topic", "without a topic that tells it"];
    const told = (): readonly string[] => refusals.filter((text) => router.logText().includes(text));
    await eventually("it says so", () => told().length === 2);
    await eventually("the first one is heard", () => one.kvEventSubscribers + two.kvEventSubscribers > 0);
    expect(router.logText()).not.toContain("cannot be dialled");
  });

  it.each([8, 24])(
    "guesses, and says so, where an engine's blocks of %i tokens do not fit",
    async (blockSize) => {
      await using one = await startSimulator({ speed: 0, blockSize });
      await using two = await startSimulator({ speed: 0, blockSize });
      await using router = await startRouter([urlOf(one), urlOf(two)], FLAGS);
      await eventually("both are subscribed to", () => one.openStreams + two.openStreams === 2);
      await besides(two, [promptOf(1, 200)]);
      await eventually("it says so", () =>
        router.logText().includes(`blocks of ${blockSize} tokens are no multiple of the index's 16`),
      );
      const first = await complete(router, promptOf(5, 240));
      const second = await complete(router, promptOf(5, 300));
      expect(second).toMatchObject({ worker: first.worker, reason: "prefix", matched: 240 });
      expect(second.cached).toBeGreaterThan(200);
    },
  );

  it("says why it does not hear an engine that publishes", async () => {
    await using engine = await startSimulator({
      speed: 0,
      httpPort: 0,
      dataParallelSize: 2,
      kvEventsConfig: ZMQ,
    });
    await using router = await startRouter([`http://${engine.httpAddress}`], FLAGS);
    await eventually("it says so", () =>
      router
        .logText()
        .includes(
          "KV events are not heard: the engine publishes for 2 data-parallel ranks, and 1 is routed to",
        ),
    );
    expect(engine.kvEventSubscribers).toBe(0);
    const both = [...FLAGS, "--intra-node-data-parallel-size", "2"];
    await using ranked = await startRouter([`http://${engine.httpAddress}`], both);
    // Either may come first: the engine counts a subscriber when it has read its wish, the router says so when it has the connection.
    await eventually("both ranks are heard", () => engine.kvEventSubscribers === 2);
    await eventually("it says so of both", () =>
      [0, 1].every((rank) => ranked.logText().includes(`KV events of rank ${rank}: listening to`)),
    );
  });

  it("listens to nobody when told so", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using router = await startRouter([urlOf(one)], [...FLAGS, "--disable-kv-events"]);
    await complete(router, promptOf(1, 200));
    expect(one.openStreams).toBe(0);
    await using idle = await startRouter([urlOf(one)], ["--policy", "round_robin"]);
    expect(idle.router.readyWorkers()).toBe(1);
    expect(one.openStreams).toBe(0);
  });
});
