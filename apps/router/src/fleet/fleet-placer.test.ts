import type { Generation } from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { FAKE_FACTS, type FakeEngine } from "../../test/fake-engine.ts";
import { createFakeFleet, fakeRuntime, type FakeFleet } from "../../test/fake-fleet.ts";
import type { PlacementRequest, PlacementResult } from "../pipeline/placement.ts";
import type { RequestPlan } from "../pipeline/plan.ts";
import { FleetPlacer } from "./fleet-placer.ts";
import type { RoutingOptions } from "./routing-options.ts";

const A = "http://a";
const B = "http://b";

interface Placing extends FakeFleet {
  readonly placer: FleetPlacer;
}

async function placing(
  engines: Readonly<Record<string, Partial<FakeEngine>>>,
  options: Partial<RoutingOptions> = {},
): Promise<Placing> {
  const fake = createFakeFleet(options);
  for (const [url, settings] of Object.entries(engines)) {
    Object.assign(fake.connector.engine(url), settings);
    fake.fleet.register(url);
  }
  await fake.timers.advance(0);
  const placer = new FleetPlacer({
    fleet: fake.fleet,
    dispatchers: fake.routing.dispatchers,
    observer: fake.observer,
    now: () => 1_000,
    requestTimeoutMs: 500,
  });
  return { ...fake, placer };
}

function request(
  settings: Partial<Pick<RequestPlan, "requiredFields" | "rank" | "routingKey">> & {
    readonly model?: string;
    readonly excluded?: readonly string[];
  } = {},
): PlacementRequest {
  const { model = "m", excluded = [], ...plan } = settings;
  return {
    plan: {
      responseId: "cmpl-1",
      model: fakeRuntime({ ...FAKE_FACTS, modelNames: [model] }),
      requiredFields: [],
      rank: undefined,
      routingKey: undefined,
      ...plan,
    } as unknown as RequestPlan,
    prompt: {
      tokenIds: Int32Array.of(1, 2, 3),
      sampling: { maxTokens: 16 },
    } as unknown as PlacementRequest["prompt"],
    excludedWorkers: excluded,
    sequences: 1,
  };
}

function placed(result: PlacementResult): Extract<PlacementResult, { kind: "placed" }>["placement"] {
  if (result.kind !== "placed") {
    throw new Error(`not placed: ${result.failure.message}`);
  }
  return result.placement;
}

describe("FleetPlacer", () => {
  it("books the chosen worker and gives the place back exactly once", async () => {
    const { placer, routing, fleet, decisions, attempts, connector } = await placing({ [A]: {} });
    const placement = placed(placer.place(request()));
    const slot = fleet.worker(A)?.slot ?? -1;

    expect(placement).toMatchObject({
      workerId: A,
      rank: undefined,
      reason: "only_candidate",
      deadlineAtMs: 1_500,
    });
    expect(placement.engine).toBe(fleet.worker(A)?.connection.engine);
    expect(routing.ledger.requests(slot)).toBe(1);
    expect(routing.ledger.prefillTokens(slot)).toBe(3);
    placement.output(1);
    placement.output(4);
    expect(routing.ledger.prefillTokens(slot)).toBe(0);
    expect(routing.ledger.decodeTokens(slot)).toBe(8);

    placement.release("success");
    placement.release("failure");
    expect(routing.ledger.isIdle(slot)).toBe(true);
    expect(routing.ledger.doubleReleases).toBe(0);
    expect(attempts).toEqual([[A, "success"]]);
    expect(decisions).toEqual([`round_robin ${A}`]);
    expect(connector.engine(A).probes).toBe(0);
  });

  it("names the rank of a worker that has several, and keeps to one that is asked for", async () => {
    const { placer } = await placing({ [A]: { facts: { ...FAKE_FACTS, ranks: 2 } } });
    const ranks = [placed(placer.place(request())).rank, placed(placer.place(request())).rank];
    expect(new Set(ranks)).toEqual(new Set([0, 1]));
    expect(placed(placer.place(request({ rank: 1 }))).rank).toBe(1);
    expect(placer.place(request({ rank: 2 }))).toEqual({
      kind: "not-placed",
      failure: {
        code: "rank_out_of_range",
        message: "data_parallel_rank 2 is out of range [0, 2).",
        field: undefined,
      },
    });
  });

  it("has no deadline without a time limit", async () => {
    const fake = await placing({ [A]: {} });
    const placer = new FleetPlacer({
      fleet: fake.fleet,
      dispatchers: fake.routing.dispatchers,
      observer: fake.observer,
      now: () => 1,
      requestTimeoutMs: 0,
    });
    expect(placed(placer.place(request())).deadlineAtMs).toBeUndefined();
  });

  it("says why nobody can take a request", async () => {
    const empty = await placing({});
    expect(empty.placer.place(request())).toMatchObject({
      failure: { code: "no_worker", message: "No engine is ready." },
    });

    const starting = await placing({ [A]: { isUp: false } });
    expect(starting.placer.place(request())).toMatchObject({
      failure: { message: `No engine is ready. ${A} is starting: connect ECONNREFUSED ${A}.` },
    });

    const fake = await placing({ [A]: {}, [B]: {} });
    expect(fake.placer.place(request({ model: "other" }))).toMatchObject({
      failure: { message: "No engine serves this model." },
    });
    expect(fake.placer.place(request({ excluded: [A, B] }))).toMatchObject({
      failure: { message: "Every engine failed this request." },
    });
    fake.connector.engine(A).isUp = false;
    fake.connector.engine(B).isUp = false;
    fake.fleet.suspect(A);
    fake.fleet.suspect(B);
    await fake.timers.advance(0);
    const { failure } = fake.placer.place(request()) as { failure: { message: string } };
    expect(failure.message).toBe(
      `No engine is healthy. ${A} is unhealthy: connect ECONNREFUSED ${A}. ${B} is unhealthy: connect ECONNREFUSED ${B}.`,
    );
  });

  it("refuses a field that no worker of the model can carry, by its name", async () => {
    const { placer } = await placing({ [A]: {} });
    expect(placer.place(request({ requiredFields: ["n", "logit_bias", "bad_words", "lora"] }))).toMatchObject(
      {
        kind: "not-placed",
        failure: { code: "unsupported_field", field: "bad_words" },
      },
    );
    expect(placer.place(request({ requiredFields: ["n", "logit_bias"] })).kind).toBe("placed");
  });

  it("avoids workers that failed this request", async () => {
    const { placer } = await placing({ [A]: {}, [B]: {} });
    const workers = Array.from(
      { length: 4 },
      () => placed(placer.place(request({ excluded: [A] }))).workerId,
    );
    expect(new Set(workers)).toEqual(new Set([B]));
  });

  it("tells the breaker of failures, probes the worker, and leaves it alone until its time is over", async () => {
    const { placer, timers, connector, breakerChanges, fleet } = await placing(
      { [A]: {}, [B]: {} },
      { breaker: { failureThreshold: 2, successThreshold: 1, timeoutMs: 5_000 } },
    );
    const fail = (): void => placed(placer.place(request({ excluded: [B] }))).release("failure");
    fail();
    await timers.advance(0);
    expect(connector.engine(A).probes).toBe(1);
    fail();
    expect(breakerChanges).toEqual([`${A} closed open`]);
    expect(fleet.snapshot("token").workers.map(({ id, breaker }) => [id, breaker])).toEqual([
      [A, "open"],
      [B, "closed"],
    ]);
    expect(placer.place(request({ excluded: [B] }))).toMatchObject({
      failure: { message: "Every engine failed this request." },
    });
    expect(placed(placer.place(request())).workerId).toBe(B);

    await timers.advance(5_000);
    expect(breakerChanges).toEqual([`${A} closed open`, `${A} open half-open`]);
    expect(fleet.reports()[0]).toMatchObject({ breaker: "half-open" });
    placed(placer.place(request({ excluded: [B] }))).release("success");
    expect(breakerChanges.at(-1)).toBe(`${A} half-open closed`);
  });

  it("takes a refusal of the request for a sign of life, and a cancelled attempt for none", async () => {
    const { placer, breakerChanges, connector, timers } = await placing(
      { [A]: {} },
      { breaker: { failureThreshold: 2, successThreshold: 1, timeoutMs: 5_000 } },
    );
    const end = (outcome: "failure" | "rejected" | "cancelled"): void =>
      placed(placer.place(request())).release(outcome);
    end("failure");
    end("rejected");
    end("failure");
    expect(breakerChanges).toEqual([]);
    end("cancelled");
    end("failure");
    expect(breakerChanges).toEqual([`${A} closed open`]);
    await timers.advance(0);
    expect(connector.engine(A).probes).toBe(1);
  });

  it("forgets the breaker of an engine that restarted", async () => {
    const { placer, fleet, timers, connector } = await placing(
      { [A]: {} },
      { breaker: { failureThreshold: 1, successThreshold: 1, timeoutMs: 60_000 } },
    );
    connector.engine(A).isUp = false;
    placed(placer.place(request())).release("failure");
    await timers.advance(0);
    expect(placer.place(request())).toMatchObject({ kind: "not-placed" });
    connector.engine(A).isUp = true;
    await timers.advance(1_000);
    expect(fleet.reports()).toMatchObject([{ state: "ready", breaker: "closed" }]);
    expect(placed(placer.place(request())).workerId).toBe(A);
  });

  it("gives the next worker on a slot a closed breaker", async () => {
    const { placer, fleet, timers } = await placing(
      { [A]: {} },
      { breaker: { failureThreshold: 1, successThreshold: 1, timeoutMs: 60_000 } },
    );
    placed(placer.place(request())).release("failure");
    const slot = fleet.worker(A)?.slot;
    await fleet.remove(A);
    fleet.register(B);
    await timers.advance(0);
    expect(fleet.worker(B)?.slot).toBe(slot);
    expect(placed(placer.place(request())).workerId).toBe(B);
  });

  it("returns the ledger to zero when a worker is removed under its requests", async () => {
    const { placer, fleet, routing, timers } = await placing({ [A]: {} });
    const placement = placed(placer.place(request()));
    const removed = fleet.remove(A);
    placement.output(2);
    placement.release("failure");
    await timers.advance(100);
    await removed;
    expect(routing.ledger.totalRequests()).toBe(0);
    expect(routing.slots.used).toBe(0);
  });

  it("places proxied requests on HTTP workers only", async () => {
    const { placer, fleet } = await placing({ [A]: {}, [B]: { dialect: "http" } });
    const generation: Generation = {
      requestId: "r",
      model: "m",
      text: "hello",
      promptTokens: 0,
      maxTokens: 0,
      requiredFields: [],
      excludedWorkers: [],
    };
    const result = placer.placeProxy(generation, undefined, () => {
      throw new Error("nobody to divide it with: the body need not be read");
    });
    expect(result).toMatchObject({ kind: "placed", placement: { workerId: B } });
    expect(result.kind === "placed" && result.placement.engine).toBe(fleet.worker(B)?.connection.engine);
    expect(placer.placeProxy({ ...generation, excludedWorkers: [B] })).toMatchObject({ kind: "not-placed" });
  });
});
