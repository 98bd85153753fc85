import { createHash } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type {
  FlushCacheResponse,
  GetLoadsResponse,
  GetServerInfoResponse,
} from "@vllm-router/proto/messages";
import { startSimulator } from "@vllm-router/simulator";
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { TestClient, unary } from "./engine-client.ts";
import { protoJson } from "./proto-json.ts";
import { recordedCases } from "./recorded-case.ts";

const engine = { blockSize: 128, maxModelLen: 2048, maxNumSeqs: 16, speed: 0 };

describe("recorded unary calls", () => {
  it("GetServerInfo has the recorded fields", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    const info = await unary<GetServerInfoResponse>((done) => client.engine.getServerInfo({}, done));
    const [recorded] = recordedCases("GetServerInfo");
    const { shm_namespace_id: _, ...expected } = recorded?.responses[0] ?? {};
    expect(protoJson(info)).toEqual(expected);
  });

  it("GetLoads has the recorded fields once the engine has worked", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    const ids = Array.from({ length: 300 }, (_, index) => index);
    await client.run({ ids, sampling: { maxTokens: 2 } });
    await client.run({ ids, sampling: { maxTokens: 2 } });
    const loads = await unary<GetLoadsResponse>((done) => client.engine.getLoads({ include: [] }, done));
    const [recorded] = recordedCases("GetLoads");
    const answer = protoJson(loads) as { timestamp: string; loads: object[] };
    const expected = recorded?.responses[0] as { timestamp: string; loads: object[] };
    expect(Object.keys(answer).sort()).toEqual(Object.keys(expected).sort());
    expect(Object.keys(answer.loads[0] ?? {}).sort()).toEqual(Object.keys(expected.loads[0] ?? {}).sort());
    expect(answer.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    expect(loads.loads[0]?.cacheHitRate).toBeCloseTo(256 / 600);
  });

  it("GetTokenizer streams a zip in 64 KiB chunks with the hash on the last", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    const chunks: { data: Uint8Array; sha256: string }[] = [];
    for await (const chunk of client.engine.getTokenizer({})) chunks.push(chunk);
    const zip = Buffer.concat(chunks.map(({ data }) => data));
    const [recorded] = recordedCases("GetTokenizer");
    const expected = recorded?.responses[0] as { files: object };
    expect(Object.keys(unzipSync(zip))).toEqual(Object.keys(expected.files));
    expect(chunks.map(({ sha256 }) => sha256)).toEqual([
      ...chunks.slice(1).map(() => ""),
      createHash("sha256").update(zip).digest("hex"),
    ]);
    expect(chunks.slice(0, -1).every(({ data }) => data.length === 65_536)).toBe(true);
  });

  it("health of an unknown service is NOT_FOUND in the recorded words", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    const recorded = recordedCases("grpc.health.v1.Check").find(({ error }) => error !== null);
    const failure = unary((done) => client.health.check({ service: "nothing" }, done));
    await expect(failure).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: recorded?.error?.details,
    });
  });

  it("Abort of an unknown id succeeds", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    expect(await unary((done) => client.engine.abort({ requestIds: ["nothing"] }, done))).toEqual({});
  });

  it("Embed and the profiler are refused as on a model that generates", async () => {
    await using simulator = await startSimulator(engine);
    using client = new TestClient(simulator);
    const embed = unary((done) =>
      client.engine.embed({ requestId: "e", tokenized: { originalText: "", inputIds: [1] } }, done),
    );
    await expect(embed).rejects.toMatchObject({ details: "This model does not support pooling" });
    const profile = unary((done) => client.engine.stopProfile({}, done));
    await expect(profile).rejects.toMatchObject({ code: status.INTERNAL });
  });

  it("FlushCache empties the prefix cache unless requests run", async () => {
    await using simulator = await startSimulator({ ...engine, speed: 1 });
    using client = new TestClient(simulator);
    const flush = (): Promise<FlushCacheResponse> =>
      unary((done) => client.engine.flushCache({ timeoutS: 0 }, done));
    const call = client.start({ ids: [1, 2, 3], sampling: { maxTokens: 2000, ignoreEos: true } });
    call.on("error", () => undefined);
    await new Promise((resolve) => call.once("data", resolve));
    expect(await flush()).toEqual({
      success: false,
      message: "KV prefix cache reset refused; requests may be in flight",
    });
    call.cancel();
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(0);
    expect(await flush()).toEqual({ success: true, message: "Local KV prefix cache flushed successfully" });
  });
});
