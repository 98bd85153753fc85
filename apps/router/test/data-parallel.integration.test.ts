import { type Simulator, SimulatorError, startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter } from "./start-router.ts";

const EXPLAIN = { "x-vllm-router-explain": "1" };
const promptOf = (identity: number): number[] =>
  Array.from({ length: 200 }, (_, position) => 300 + ((identity * 97 + position) % 1_000));

/** An engine of two ranks, whose publishers have ports that follow one another, as vLLM's do. */
async function startRanked(kvEvents: boolean): Promise<Simulator> {
  const options = { speed: 0, dataParallelSize: 2, kvEvents };
  for (let port = 19_750; ; port += 2) {
    try {
      return await startSimulator({ ...options, kvEventsConfig: { endpoint: `tcp://127.0.0.1:${port}` } });
    } catch (error) {
      if (!(error instanceof SimulatorError && error.code === "listen_failed") || port > 19_790) throw error;
    }
  }
}

describe("data-parallel ranks as targets", () => {
  it("spreads over the ranks of an HTTP worker and tells it which one, or the one the client asks for", async () => {
    const ranks: (string | undefined)[] = [];
    await using worker = await startHttpWorker(["m"], (request, response) => {
      if (request.method === "POST") {
        ranks.push(request.headers["x-data-parallel-rank"] as string | undefined);
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    const body = (at: number): object => ({ model: "m", prompt: `Prompt ${at}`, max_tokens: 1 });
    const flags = ["--policy", "round_robin", "--intra-node-data-parallel-size", "3"];
    await using router = await startRouter([worker.url], flags);
    for (let at = 0; at < 6; at += 1) {
      await (await router.post("/v1/completions", body(at))).text();
    }
    expect(
      ranks
        .splice(0)
        .map(String)
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["0", "0", "1", "1", "2", "2"]);
    for (let at = 0; at < 3; at += 1) {
      await (
        await router.post("/v1/completions", body(at), { headers: { "X-Data-Parallel-Rank": "2" } })
      ).text();
    }
    expect(ranks.splice(0)).toEqual(["2", "2", "2"]);
    const beyond = await router.post("/v1/completions", body(0), {
      headers: { "x-data-parallel-rank": "3" },
    });
    expect([beyond.status, await beyond.text()]).toEqual([
      400,
      expect.stringContaining("data_parallel_rank 3 is out of range [0, 3)."),
    ]);

    await using unaware = await startRouter([worker.url]);
    await (await unaware.post("/v1/completions", body(0))).text();
    await (
      await unaware.post("/v1/completions", body(0), { headers: { "x-data-parallel-rank": "7" } })
    ).text();
    expect(ranks).toEqual([undefined, "7"]);
  });

  for (const source of ["grpc", "zmq"] as const) {
    it(`knows what each rank of a gRPC engine holds (${source})`, async () => {
      await using engine = await startRanked(source === "grpc");
      const url = `http://${engine.address}`;
      const zmq = ["--kv-events-endpoint", `${url}=${engine.kvEventAddresses[0]?.endpoint}`];
      await using router = await startRouter([url], ["--enable-explain", ...(source === "zmq" ? zmq : [])]);
      await eventually("it is heard", () =>
        source === "zmq" ? engine.kvEventSubscribers === 2 : engine.openStreams === 1,
      );
      await using filler = await startRouter([url], ["--policy", "random"]);
      for (const [identity, rank] of [
        [1, "1"],
        [2, "0"],
        [3, "1"],
      ] as const) {
        const answer = await filler.post(
          "/v1/completions",
          { prompt: promptOf(identity), max_tokens: 1 },
          { headers: { "x-data-parallel-rank": rank } },
        );
        expect(answer.status).toBe(200);
      }
      await eventually("it has heard of them", async () =>
        (await (await fetch(`${router.url}/metrics`)).text()).includes(
          `vllm_router_kv_event_blocks{worker="${url}"} 36\n`,
        ),
      );
      const decided = await Promise.all(
        [1, 2, 3].map(async (identity) => {
          const answer = await router.post(
            "/v1/completions",
            { prompt: promptOf(identity), max_tokens: 1 },
            { headers: EXPLAIN },
          );
          await answer.text();
          return /rank=(\d); reason=(\w+)/.exec(answer.headers.get("x-vllm-router-decision") ?? "")?.slice(1);
        }),
      );
      expect(decided).toEqual([
        ["1", "prefix"],
        ["0", "prefix"],
        ["1", "prefix"],
      ]);
      expect(
        engine.requests
          .slice(-3)
          .map(({ request }) => request.dataParallelRank)
          .toSorted((a, b) => (a ?? -1) - (b ?? -1)),
      ).toEqual([0, 1, 1]);
    });
  }
});
