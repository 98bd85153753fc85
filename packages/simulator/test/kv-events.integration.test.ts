import { readFileSync } from "node:fs";
import { status } from "@grpc/grpc-js";
import type { EngineLoad, KvBlocksStored, KvEventBatch } from "@vllm-router/proto/messages";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { TestClient } from "./engine-client.ts";
import { protoJson } from "./proto-json.ts";

const prompt = Array.from({ length: 40 }, (_, index) => index);

/** Listens to a subscription until the test ends. */
function subscribe(client: TestClient): Disposable & { batches: KvEventBatch[]; opened: Promise<unknown> } {
  const call = client.engine.subscribeKvEvents({
    startSequenceNumber: 0n,
    loadRecordsBeforeFirstBatch: false,
  });
  const batches: KvEventBatch[] = [];
  call.on("data", (batch: KvEventBatch) => batches.push(batch));
  call.on("error", () => undefined);
  const opened = new Promise((resolve) => call.once("metadata", resolve));
  return { batches, opened, [Symbol.dispose]: () => call.cancel() };
}

describe("SubscribeKvEvents", () => {
  it("tells stored blocks with their tokens, parents and load", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    using client = new TestClient(simulator);
    using subscription = subscribe(client);
    await subscription.opened;
    await client.run({ ids: prompt, sampling: { maxTokens: 2 } });
    await client.run({ ids: [...prompt, ...prompt], sampling: { maxTokens: 2 } });
    const stored = (): KvBlocksStored[] =>
      subscription.batches.flatMap(({ events }) =>
        events.flatMap(({ data }) => (data?.$case === "stored" ? [data.value] : [])),
      );
    await expect.poll(() => stored().length, { timeout: 5000 }).toBe(2);
    const [first, second] = stored();
    expect(first?.blocks.map(({ tokenIds }) => tokenIds)).toEqual([
      prompt.slice(0, 16),
      prompt.slice(16, 32),
    ]);
    expect(second?.parentBlockHash).toBe(first?.blocks[1]?.blockHash);
    expect(protoJson(first)).toMatchObject({
      tier: 1,
      medium: "GPU",
      kv_cache_spec_kind: "full_attention",
      locality: 1,
    });
    const numbered = subscription.batches.filter(({ events }) => events.length > 0);
    expect(numbered.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0n, 1n]);
    expect(subscription.batches[0]).toMatchObject({
      dpRank: 0,
      load: { runningRequests: 1, loadOnly: false },
    });
  });

  it("sends the load alone when it moved, with the fields of a recorded stream", async () => {
    await using simulator = await startSimulator({ blockSize: 128, maxNumSeqs: 16 });
    using client = new TestClient(simulator);
    using subscription = subscribe(client);
    await subscription.opened;
    await client.run({ ids: Array.from({ length: 200 }, () => 1), sampling: { maxTokens: 3 } });
    const lastLoad = (): EngineLoad | undefined => subscription.batches.at(-1)?.load;
    await expect.poll(() => lastLoad()?.runningRequests, { timeout: 5000 }).toBe(0);
    const [, recorded] = readFileSync(new URL("__fixtures__/kv-events.jsonl", import.meta.url), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { load: object });
    const [first, second] = subscription.batches;
    expect(second).toMatchObject({
      events: [],
      sequenceNumber: first?.sequenceNumber,
      load: { loadOnly: true },
    });
    expect(Object.keys(recorded?.load ?? {})).toEqual(
      expect.arrayContaining(
        Object.keys(protoJson(second?.load) as object).filter((name) => name !== "waiting_requests"),
      ),
    );
    expect(lastLoad()?.sample).toBe(BigInt(subscription.batches.length));
    expect(subscription.batches[0]?.load?.cacheHitRate).toBe(0);
  });

  it("numbers every rank on its own", async () => {
    await using simulator = await startSimulator({ speed: 0, dataParallelSize: 2 });
    using client = new TestClient(simulator);
    using subscription = subscribe(client);
    await subscription.opened;
    for (const [index, dataParallelRank] of [1, 0, 1].entries()) {
      const ids = prompt.map((id) => id + index * 100);
      // oxlint-disable-next-line no-await-in-loop -- in this order
      await client.run({ ids, sampling: { maxTokens: 1 }, extra: { dataParallelRank } });
    }
    const numbered = (): unknown[] =>
      subscription.batches
        .filter(({ events }) => events.length > 0)
        .map(({ dpRank, sequenceNumber }) => [dpRank, sequenceNumber]);
    await expect.poll(numbered, { timeout: 5000 }).toEqual([
      [1, 0n],
      [0, 0n],
      [1, 1n],
    ]);
  });

  it("tells a cleared cache", async () => {
    await using simulator = await startSimulator({ speed: 0 });
    using client = new TestClient(simulator);
    using subscription = subscribe(client);
    await subscription.opened;
    await new Promise((resolve) => client.engine.flushCache({ timeoutS: 0 }, resolve));
    await expect
      .poll(() => subscription.batches[0]?.events[0]?.data?.$case, { timeout: 5000 })
      .toBe("cleared");
  });

  it("refuses a cursor, and everything when events are off", async () => {
    await using simulator = await startSimulator();
    await using silent = await startSimulator({ kvEvents: false });
    for (const [engine, start, code] of [
      [simulator, 5n, status.OUT_OF_RANGE],
      [silent, 0n, status.UNIMPLEMENTED],
    ] as const) {
      using client = new TestClient(engine);
      const call = client.engine.subscribeKvEvents({
        startSequenceNumber: start,
        loadRecordsBeforeFirstBatch: false,
      });
      // oxlint-disable-next-line no-await-in-loop -- two engines, one after the other
      const error = await new Promise((resolve) => call.once("error", resolve).on("data", () => undefined));
      expect(error).toMatchObject({ code });
    }
  });
});
