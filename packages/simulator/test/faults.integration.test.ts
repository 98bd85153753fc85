import { status } from "@grpc/grpc-js";
import { type Clock, startSimulator, systemClock } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { collect, TestClient, unary } from "./engine-client.ts";

const prompt = [3, 1, 4, 1, 5, 9, 2, 6];
const long = { maxTokens: 5000, ignoreEos: true };

describe("faults", () => {
  it("refuses a share of the calls", async () => {
    await using simulator = await startSimulator({ speed: 0, faults: { refuseRate: 0.5 } });
    using client = new TestClient(simulator);
    const results = [];
    for (let call = 0; call < 6; call++) {
      // oxlint-disable-next-line no-await-in-loop -- the share is spread over calls in order
      results.push(await client.run({ ids: prompt, sampling: { maxTokens: 1 } }));
    }
    expect(results.filter(({ error }) => error?.code === status.UNAVAILABLE)).toHaveLength(3);
    expect(simulator.requests).toHaveLength(6);
  });

  it("ends calls with a chosen status until told otherwise", async () => {
    await using simulator = await startSimulator({ speed: 0, faults: { errorStatus: "RESOURCE_EXHAUSTED" } });
    using client = new TestClient(simulator);
    const failed = await client.run({ ids: prompt });
    expect(failed.error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "simulated RESOURCE_EXHAUSTED",
    });
    simulator.faults.errorStatus = undefined;
    expect((await client.run({ ids: prompt })).error).toBeUndefined();
  });

  it("hangs without ending streams, healthy all the time, and goes on", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    using client = new TestClient(simulator);
    simulator.faults.isHanging = true;
    const result = client.run({ ids: prompt, sampling: { maxTokens: 3 } });
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(1);
    expect(await unary((done) => client.health.check({ service: "" }, done))).toEqual({ status: 1 });
    expect(simulator.generatedTokens).toBe(0);
    simulator.faults.isHanging = false;
    expect((await result).outputs[0]).toHaveLength(3);
  });

  it("drops a stream after so many tokens", async () => {
    await using simulator = await startSimulator({ speed: 0, faults: { dropStreamAfterTokens: 4 } });
    using client = new TestClient(simulator);
    const { outputs, error } = await client.run({ ids: prompt, sampling: long });
    expect(outputs[0]).toHaveLength(4);
    expect(error?.code).toBe(status.INTERNAL);
    expect(simulator.runningRequests).toBe(0);
  });

  it("lets a stream go silent after so many tokens", async () => {
    await using simulator = await startSimulator({ speed: 0, faults: { stallStreamAfterTokens: 4 } });
    using client = new TestClient(simulator);
    const call = client.start({ ids: prompt, sampling: { maxTokens: 50, ignoreEos: true } });
    const result = collect(call);
    await expect.poll(() => simulator.generatedTokens, { timeout: 5000 }).toBe(50);
    expect(simulator.openStreams).toBe(1);
    call.cancel();
    expect((await result).outputs[0]).toHaveLength(4);
  });

  it("dies after so many tokens, cutting every connection", async () => {
    let hasDied = false;
    await using simulator = await startSimulator({
      stepMs: 1,
      faults: { dieAfterTokens: 10 },
      died: () => (hasDied = true),
    });
    using client = new TestClient(simulator);
    const { error } = await client.run({ ids: prompt, sampling: long });
    expect(error?.code).toBe(status.UNAVAILABLE);
    await expect.poll(() => hasDied, { timeout: 5000 }).toBe(true);
    expect(simulator.openConnections).toBe(0);
  });

  it("sends GOAWAY after so many calls; the running call ends well and the next takes another connection", async () => {
    await using simulator = await startSimulator({ speed: 0, faults: { goawayAfterCalls: 1 } });
    using client = new TestClient(simulator);
    expect((await client.run({ ids: prompt })).error).toBeUndefined();
    expect((await client.run({ ids: prompt })).error).toBeUndefined();
  });
});

describe("levers", () => {
  it("kill cuts streams; restart answers on the same port with an empty cache", async () => {
    await using simulator = await startSimulator({ stepMs: 1 });
    const { port } = simulator;
    using client = new TestClient(simulator);
    const ids = Array.from({ length: 40 }, (_, index) => index);
    await client.run({ ids, sampling: { maxTokens: 1 } });
    const running = client.run({ ids: prompt, sampling: long });
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(1);
    await simulator.kill();
    expect((await running).error?.code).toBe(status.UNAVAILABLE);
    await simulator.restart();
    expect(simulator.port).toBe(port);
    using again = new TestClient(simulator);
    const { messages } = await again.run({ ids, sampling: { maxTokens: 1 } });
    expect(messages.at(-1)?.value).toMatchObject({ cachedTokens: 0 });
    expect(simulator.runningRequests).toBe(0);
  });

  it("is NOT_SERVING until the start-up delay is over", async () => {
    let finishStartup = (): void => undefined;
    const clock: Clock = {
      ...systemClock,
      after(delayMs, task) {
        if (delayMs !== 60_000) return systemClock.after(delayMs, task);
        finishStartup = task;
        return { cancel: () => undefined };
      },
    };
    await using simulator = await startSimulator({ startupDelayMs: 60_000, clock });
    using client = new TestClient(simulator);
    const health = (): Promise<unknown> => unary((done) => client.health.check({ service: "" }, done));
    expect(await health()).toEqual({ status: 2 });
    finishStartup();
    expect(await health()).toEqual({ status: 1 });
  });

  it("closes gracefully: a running call ends, then the port is free", async () => {
    await using simulator = await startSimulator({ stepMs: 1 });
    using client = new TestClient(simulator);
    const result = client.run({ ids: prompt, sampling: { maxTokens: 30, ignoreEos: true } });
    await expect.poll(() => simulator.generatedTokens, { timeout: 5000 }).toBeGreaterThan(0);
    await simulator.close(5000);
    expect((await result).outputs[0]).toHaveLength(30);
    expect(simulator.openConnections).toBe(0);
    await using other = await startSimulator({ port: simulator.port });
    expect(other.port).toBe(simulator.port);
  });

  it("names the port that is taken", async () => {
    await using simulator = await startSimulator();
    await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: "listen_failed" });
  });
});
