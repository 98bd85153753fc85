import { describe, expect, it } from "vitest";
import { FAKE_FACTS } from "../../test/fake-engine.ts";
import { createFakeFleet, type FakeFleet } from "../../test/fake-fleet.ts";

const URL = "http://e1";

async function withReady(url = URL): Promise<FakeFleet> {
  const fake = createFakeFleet();
  fake.fleet.register(url);
  await fake.timers.advance(0);
  expect(fake.fleet.readyCount()).toBe(1);
  return fake;
}

/** Books a generation on the worker of `url` and gives back what ends it. */
function occupy(fake: FakeFleet, url = URL): () => void {
  const entry = fake.routing.ledger.acquire(fake.fleet.worker(url)?.slot ?? -1, {
    promptTokens: 1,
    prefillTokens: 1,
  });
  return () => void entry.release();
}

describe("Fleet", () => {
  it("takes a worker in as soon as it answers", async () => {
    const { fleet, timers, states } = createFakeFleet();
    expect(fleet.register(URL)).toBe(true);
    expect(fleet.snapshot("token").workers).toEqual([]);
    await timers.advance(0);

    expect(states).toEqual([`${URL} starting`, `${URL} ready`]);
    expect(fleet.snapshot("token").workers).toMatchObject([
      { id: URL, models: ["m"], isHealthy: true, ranks: 1, breaker: "closed" },
    ]);
    expect(fleet.snapshot("proxy").workers).toEqual([]);
    expect(fleet.reports()).toMatchObject([
      { id: URL, state: "ready", lane: "token", modelNames: ["m"], inFlight: 0 },
    ]);
    expect(fleet.readinessProblem()).toBe("");
  });

  it("registers a URL once", async () => {
    const { fleet, timers, connector } = createFakeFleet();
    fleet.register(URL);
    expect(fleet.register(URL)).toBe(false);
    await timers.advance(0);
    expect(connector.engine(URL).connects).toBe(1);
  });

  it("puts HTTP workers into the proxy lane, without a model of the router's", async () => {
    const { fleet, timers, connector, models } = createFakeFleet();
    connector.engine(URL).dialect = "http";
    fleet.register(URL);
    await timers.advance(0);
    expect(fleet.snapshot("proxy").workers).toMatchObject([{ id: URL, models: ["m"] }]);
    expect(fleet.snapshot("token").workers).toEqual([]);
    expect(models.runtimes).toEqual([]);
  });

  it("waits for an engine that comes up late and uses it within a second", async () => {
    const { fleet, timers, connector, states } = createFakeFleet();
    connector.engine(URL).isUp = false;
    fleet.register(URL);
    await timers.advance(300_000);
    expect(fleet.readyCount()).toBe(0);
    expect(fleet.readinessProblem()).toBe(`${URL} is starting: connect ECONNREFUSED ${URL}.`);
    expect(fleet.reports()).toMatchObject([{ state: "starting", detail: `connect ECONNREFUSED ${URL}` }]);
    expect(connector.engine(URL).connects).toBeGreaterThan(250);
    expect(connector.engine(URL).connects).toBeLessThan(320);

    connector.engine(URL).isUp = true;
    await timers.advance(1_000);
    expect(states).toEqual([`${URL} starting`, `${URL} starting`, `${URL} ready`]);
  });

  it("probes a ready worker at the interval", async () => {
    const { timers, connector } = await withReady();
    await timers.advance(35_000);
    expect(connector.engine(URL).probes).toBe(3);
  });

  it("takes a worker out after failed probes in a row and back after good ones, keeping its connection", async () => {
    const { fleet, timers, connector, states } = await withReady();
    const engine = connector.engine(URL);
    engine.verdict = "timeout";
    await timers.advance(20_000);
    engine.verdict = "serving";
    await timers.advance(10_000);
    expect(fleet.readyCount()).toBe(1);
    engine.verdict = "not-serving";
    await timers.advance(20_000);
    expect(fleet.readyCount()).toBe(1);
    await timers.advance(10_000);
    expect(fleet.reports()).toMatchObject([
      { state: "unhealthy", detail: "the engine says that it is not serving" },
    ]);
    expect(fleet.snapshot("token").workers).toMatchObject([{ isHealthy: false }]);

    engine.verdict = "serving";
    await timers.advance(1_000);
    expect(fleet.readyCount()).toBe(0);
    await timers.advance(1_000);
    expect(states.slice(2)).toEqual([`${URL} unhealthy`, `${URL} ready`]);
    expect(engine).toMatchObject({ connects: 1, open: 1 });
  });

  it("takes a worker out at once when nobody listens there, and begins afresh when it is back", async () => {
    const { fleet, timers, connector, routing } = await withReady();
    const engine = connector.engine(URL);
    const before = fleet.worker(URL);
    engine.isUp = false;
    fleet.suspect(URL);
    await timers.advance(0);
    expect(fleet.reports()).toMatchObject([{ state: "unhealthy", modelNames: ["m"] }]);

    await timers.advance(60_000);
    engine.isUp = true;
    await timers.advance(1_000);
    expect(fleet.readyCount()).toBe(1);
    const after = fleet.worker(URL);
    expect(after?.connection).not.toBe(before?.connection);
    expect(after?.slot).not.toBe(before?.slot);
    expect(engine.open).toBe(1);
    expect(routing.slots.used).toBe(1);
  });

  it("judges an engine that is back without the bad marks of the one before", async () => {
    const { fleet, timers, connector } = await withReady();
    const engine = connector.engine(URL);
    engine.verdict = "not-serving";
    await timers.advance(30_000);
    expect(fleet.readyCount()).toBe(0);
    engine.isUp = false;
    await timers.advance(10_000);
    Object.assign(engine, { isUp: true, verdict: "serving" });
    await timers.advance(1_000);
    expect(fleet.readyCount()).toBe(1);

    const probes = engine.probes;
    fleet.suspect(URL);
    await timers.advance(0);
    expect(engine.probes).toBe(probes + 1);
    engine.verdict = "not-serving";
    await timers.advance(30_000);
    expect(fleet.readyCount()).toBe(0);
  });

  it("does not probe twice at a time when many requests suspect the same worker", async () => {
    const { fleet, timers, connector } = await withReady();
    for (let request = 0; request < 100; request += 1) {
      fleet.suspect(URL);
    }
    await timers.advance(0);
    expect(connector.engine(URL).probes).toBe(1);
    await timers.advance(10_000);
    expect(connector.engine(URL).probes).toBe(2);
  });

  it("takes an engine that restarted with another model for what it is now", async () => {
    const { fleet, timers, connector, models, states } = await withReady();
    const engine = connector.engine(URL);
    engine.facts = { ...FAKE_FACTS, modelNames: ["m"], root: "/models/new" };
    engine.verdict = "replaced";
    await timers.advance(10_000);
    engine.verdict = "serving";
    await timers.advance(100);

    expect(states.slice(2)).toEqual([`${URL} unhealthy`, `${URL} ready`]);
    expect(models.resolve("m")?.contentHash).toBe("/models/new");
    expect(fleet.worker(URL)?.runtime?.contentHash).toBe("/models/new");
    expect(engine.open).toBe(1);
  });

  it("refuses a second worker that serves other files under the same name, and says so", async () => {
    const { fleet, timers, connector, states, models } = await withReady();
    connector.engine("http://e2").facts = { ...FAKE_FACTS, root: "/models/other" };
    fleet.register("http://e2");
    await timers.advance(120_000);

    expect(states.filter((line) => line.startsWith("http://e2"))).toEqual([
      "http://e2 starting",
      "http://e2 refused",
    ]);
    expect(fleet.reports()[1]).toMatchObject({
      state: "refused",
      detail: expect.stringContaining("already served with other tokenizer") as string,
    });
    expect(connector.engine("http://e2").open).toBe(0);
    expect(connector.engine("http://e2").connects).toBeLessThan(16);
    expect(models.runtimes).toHaveLength(1);
    expect(fleet.snapshot("token").workers).toHaveLength(1);
  });

  it("lets a new model take over when the old one's workers were removed", async () => {
    const { fleet, timers, connector, models } = await withReady();
    await fleet.remove(URL);
    expect(models.runtimes).toEqual([]);
    connector.engine("http://e2").facts = { ...FAKE_FACTS, root: "/models/other" };
    fleet.register("http://e2");
    await timers.advance(0);
    expect(fleet.readyCount()).toBe(1);
    expect(models.resolve("m")?.contentHash).toBe("/models/other");
  });

  it("removes a worker only after its running requests have ended", async () => {
    const fake = await withReady();
    const { fleet, timers, connector, routing, states } = fake;
    const release = occupy(fake);
    let isRemoved = false;
    const removed = fleet.remove(URL).then(() => {
      isRemoved = true;
    });
    expect(fleet.snapshot("token").workers).toEqual([]);
    expect(fleet.worker(URL)).toBeUndefined();
    expect(states.at(-1)).toBe(`${URL} removed`);
    await timers.advance(1_000);
    expect(isRemoved).toBe(false);
    expect(connector.engine(URL).open).toBe(1);

    release();
    await timers.advance(50);
    await removed;
    expect(connector.engine(URL).open).toBe(0);
    expect(routing.slots.used).toBe(0);
    expect(await fleet.remove(URL)).toBe(false);
    expect(timers.size).toBe(0);
  });

  it("does not wait for ever for requests on a removed worker, nor gives their slot to another", async () => {
    const fake = await withReady();
    const { fleet, timers, connector, routing } = fake;
    const slot = fleet.worker(URL)?.slot;
    const release = occupy(fake);
    const removed = fleet.remove(URL);
    await timers.advance(5_050);
    await removed;
    expect(connector.engine(URL).open).toBe(0);
    fleet.register("http://e2");
    await timers.advance(0);
    expect(fleet.worker("http://e2")?.slot).not.toBe(slot);
    release();
    expect(routing.ledger.totalRequests()).toBe(0);
  });

  it("registers a URL again while its old life is still draining", async () => {
    const fake = await withReady();
    const { fleet, timers, connector } = fake;
    const release = occupy(fake);
    const removed = fleet.remove(URL);
    expect(fleet.register(URL)).toBe(true);
    await timers.advance(0);
    expect(fleet.readyCount()).toBe(1);
    expect(connector.engine(URL).open).toBe(2);
    release();
    await timers.advance(50);
    await removed;
    expect(connector.engine(URL).open).toBe(1);
  });

  it("refuses a worker for which there are no slots left", async () => {
    const { fleet, timers, connector, models } = createFakeFleet();
    connector.engine(URL).facts = { ...FAKE_FACTS, root: "/models/big", ranks: 17 };
    fleet.register(URL);
    await timers.advance(0);
    expect(fleet.reports()).toMatchObject([
      { state: "starting", detail: "no 17 consecutive worker slots are free of 16" },
    ]);
    expect(connector.engine(URL).open).toBe(0);
    fleet.register("http://e2");
    await timers.advance(0);
    expect(models.runtimes).toMatchObject([{ root: "/models/m" }]);
  });

  it("reserves a slot for every rank and counts what runs on all of them", async () => {
    const { fleet, timers, connector, routing } = createFakeFleet();
    connector.engine(URL).facts = { ...FAKE_FACTS, ranks: 4 };
    fleet.register(URL);
    fleet.register("http://e2");
    await timers.advance(0);
    const first = fleet.worker(URL)?.slot ?? -1;
    const other = fleet.worker("http://e2")?.slot ?? -1;
    expect(Math.abs(first - other)).toBeGreaterThanOrEqual(1);
    routing.ledger.acquire(first + 3, { promptTokens: 1, prefillTokens: 1 });
    expect(fleet.reports()[0]).toMatchObject({ inFlight: 1 });
    expect(fleet.snapshot("token").workers[0]).toMatchObject({ ranks: 4 });
  });

  it("tells how every worker stands when none becomes ready in time", async () => {
    const { fleet, timers, connector } = createFakeFleet();
    connector.engine(URL).isUp = false;
    fleet.register(URL);
    const ready = fleet.firstReady(20_000);
    const outcome = ready.catch((error: unknown) => error);
    await timers.advance(20_000);
    expect(await outcome).toMatchObject({
      code: "startup_timeout",
      message: `no worker became ready within 20 s. ${URL} is starting: connect ECONNREFUSED ${URL}.`,
    });
  });

  it("names only the first few of many workers that are not ready", async () => {
    const { fleet, timers, connector } = createFakeFleet();
    for (let number = 1; number <= 7; number += 1) {
      connector.engine(`http://e${number}`).isUp = number === 3;
      fleet.register(`http://e${number}`);
    }
    await timers.advance(0);
    expect(fleet.readinessProblem()).toMatch(
      /^http:\/\/e1 is starting: [^]* http:\/\/e5 is starting: .* 2 more are not ready\.$/,
    );
  });

  it("resolves with the first ready worker and leaves no timer behind", async () => {
    const { fleet, timers, connector } = createFakeFleet();
    connector.engine("http://dead").isUp = false;
    fleet.register("http://dead");
    fleet.register(URL);
    const ready = fleet.firstReady(20_000);
    await timers.advance(0);
    await ready;
    await fleet.firstReady(1);
    await fleet[Symbol.asyncDispose]();
    expect(timers.size).toBe(0);
  });

  it("ends all connections and timers when it is disposed of, also while connecting", async () => {
    const { fleet, timers, connector, routing, internalErrors } = await withReady();
    connector.engine("http://dead").isUp = false;
    fleet.register("http://dead");
    fleet.register("http://e3");
    await fleet[Symbol.asyncDispose]();
    expect(connector.engine(URL).open).toBe(0);
    expect(connector.engine("http://e3").open).toBe(0);
    expect(timers.size).toBe(0);
    expect(routing.slots.used).toBe(0);
    expect(internalErrors).toEqual([]);
  });
});
