import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import {
  connectEngine,
  EngineError,
  type KvBatch,
  kvBatchFromGrpc,
  listenToZmqKvEvents,
  replayZmqKvEvents,
  type SamplingParameters,
} from "@vllm-router/engine-client";
import { describe, expect, it, onTestFinished } from "vitest";

const WAIT = { timeout: 5_000 };
const prompt = Array.from({ length: 40 }, (_, index) => 300 + index);

const ONE_TOKEN: SamplingParameters = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  repetitionPenalty: 1,
  maxTokens: 1,
  minTokens: 0,
  stop: [],
  stopTokenIds: [],
  ignoreEos: false,
  skipSpecialTokens: true,
  spacesBetweenSpecialTokens: true,
  includeStopStringInOutput: false,
  n: 1,
  seed: undefined,
  logprobs: undefined,
  promptLogprobs: undefined,
  logitBias: undefined,
  structuredOutput: undefined,
};

interface Heard {
  readonly batches: KvBatch[];
  readonly problems: EngineError[];
  readonly ends: (EngineError | undefined)[];
  isConnected: boolean;
}

function listen(simulator: Simulator, topic = ""): Heard {
  const heard: Heard = { batches: [], problems: [], ends: [], isConnected: false };
  const listening = listenToZmqKvEvents(
    { address: simulator.kvEventAddresses[0]!.endpoint, topic },
    {
      connected: () => (heard.isConnected = true),
      batch: (batch) => heard.batches.push(batch),
      malformed: (error) => heard.problems.push(error),
      end: (error) => heard.ends.push(error),
    },
  );
  onTestFinished(() => listening.stop());
  return heard;
}

async function replay(address: string, from: number): Promise<readonly KvBatch[]> {
  const batches: KvBatch[] = [];
  await new Promise<void>((resolve, reject) => {
    replayZmqKvEvents(
      { address, from },
      {
        batch: (batch) => batches.push(batch),
        end: (error) => (error === undefined ? resolve() : reject(error)),
      },
    );
  });
  return batches;
}

/** Has the engine compute a prompt and one token. */
async function run(simulator: Simulator, tokenIds: readonly number[]): Promise<void> {
  const connection = connectEngine({ dialect: "vllm-engine", address: simulator.address, secure: false });
  if (connection.dialect !== "vllm-engine") throw new Error("not a gRPC engine");
  const { engine } = connection;
  await new Promise<void>((resolve, reject) => {
    engine.generate(
      {
        requestId: `r${tokenIds[0]}`,
        tokenIds: Int32Array.from(tokenIds),
        stream: true,
        deadlineAtMs: undefined,
        rank: undefined,
        kvTransferParams: undefined,
        metadata: undefined,
        sampling: ONE_TOKEN,
      },
      { output: () => {}, finish: () => {}, flush: () => {}, end: resolve, error: reject },
    );
  });
  await connection.close();
}

describe("KV events by ZMQ", () => {
  for (const encoding of ["map", "array"] as const) {
    for (const transport of ["tcp", "ipc"] as const) {
      it(`hears what the engine stores and evicts: ${encoding}s over ${transport}`, async () => {
        const folder = mkdtempSync(join(tmpdir(), "kv-events-"));
        onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
        const endpoint = transport === "tcp" ? "tcp://127.0.0.1:0" : `ipc://${join(folder, "events")}`;
        await using simulator = await startSimulator({
          speed: 0,
          kvBlocks: 8,
          kvEventsConfig: { endpoint, encoding, topic: "kv@here" },
        });
        const heard = listen(simulator, "kv@");
        const deaf = listen(simulator, "other");
        await expect.poll(() => simulator.kvEventSubscribers, WAIT).toBe(2);
        await run(simulator, prompt);
        await run(
          simulator,
          prompt.map((token) => token + 100),
        );
        await run(
          simulator,
          prompt.map((token) => token + 200),
        );
        await expect
          .poll(() => heard.batches.flatMap(({ events }) => events.map(({ kind }) => kind)), WAIT)
          .toContain("removed");
        const [first] = heard.batches;
        expect(first).toMatchObject({
          sequence: 0,
          events: [
            {
              kind: "stored",
              parent: undefined,
              tokenIds: Int32Array.from(prompt.slice(0, 32)),
              medium: "device",
              group: 0,
              groupKind: "full_attention",
            },
          ],
        });
        expect(first?.timestamp).toBeGreaterThan(1e9);
        expect(heard.batches.map(({ sequence }) => sequence)).toEqual(heard.batches.map((_, index) => index));
        expect([deaf.batches, heard.problems, heard.ends]).toEqual([[], [], []]);
      });
    }
  }

  it("tells the same as SubscribeKvEvents, hashes included", async () => {
    await using simulator = await startSimulator({
      speed: 0,
      kvEventsConfig: { endpoint: "tcp://127.0.0.1:0" },
    });
    const connection = connectEngine({ dialect: "vllm-engine", address: simulator.address, secure: false });
    if (connection.dialect !== "vllm-engine") throw new Error("not a gRPC engine");
    const byGrpc: KvBatch[] = [];
    const subscription = connection.admin.subscribeKvEvents({
      batch: (batch) => {
        const decoded = kvBatchFromGrpc(batch);
        if (decoded !== undefined) byGrpc.push(decoded);
      },
      end: () => undefined,
    });
    onTestFinished(async () => {
      subscription.stop();
      await connection.close();
    });
    const heard = listen(simulator);
    await expect.poll(() => simulator.kvEventSubscribers, WAIT).toBe(1);
    await expect.poll(() => simulator.openStreams, WAIT).toBe(1);
    await run(simulator, prompt);
    await run(simulator, [...prompt, ...prompt]);
    await expect.poll(() => byGrpc.length, WAIT).toBe(2);
    await expect.poll(() => heard.batches, WAIT).toEqual(byGrpc);
  });

  it("replays from a number on, and gives what was lost on the way", async () => {
    await using simulator = await startSimulator({
      speed: 0,
      kvEventsConfig: { endpoint: "tcp://127.0.0.1:0", replayEndpoint: "tcp://127.0.0.1:0", bufferSteps: 3 },
    });
    const heard = listen(simulator);
    await expect.poll(() => simulator.kvEventSubscribers, WAIT).toBe(1);
    simulator.faults.loseKvBatches = 1;
    simulator.faults.repeatKvBatches = 1;
    for (let each = 0; each < 4; each += 1) {
      await run(
        simulator,
        prompt.map((token) => token + 100 * each),
      );
    }
    await expect.poll(() => heard.batches.map(({ sequence }) => sequence), WAIT).toEqual([1, 1, 2, 3]);
    const { replayEndpoint } = simulator.kvEventAddresses[0]!;
    expect((await replay(replayEndpoint!, 2)).map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(await replay(replayEndpoint!, 0)).toEqual(heard.batches.slice(1));
    expect(await replay(replayEndpoint!, 9)).toEqual([]);
  });

  it("ends when the engine goes, and when nobody is there", async () => {
    const simulator = await startSimulator({ speed: 0, kvEventsConfig: { endpoint: "tcp://127.0.0.1:0" } });
    const heard = listen(simulator);
    await expect.poll(() => heard.isConnected, WAIT).toBe(true);
    await simulator.close();
    await expect.poll(() => heard.ends.map((error) => error?.code), WAIT).toEqual(["unavailable"]);
    const late = listen(simulator);
    await expect.poll(() => late.ends.map((error) => error?.code), WAIT).toEqual(["unavailable"]);
  });

  it("refuses what is no ZMQ publisher and no address", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n".padEnd(80)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    await expect(replay(`tcp://127.0.0.1:${address.port}`, 0)).rejects.toMatchObject({ code: "protocol" });
    for (const wrong of ["tcp://*:5557", "http://127.0.0.1:80", "tcp://host:0", "ipc://"]) {
      expect(() => listenToZmqKvEvents({ address: wrong, topic: "" }, {} as never)).toThrow(EngineError);
    }
  });
});
