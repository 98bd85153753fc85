import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { bootstrapAddresses } from "./bootstrap-addresses.ts";
import { askBootstrap, enginesOfWorker } from "./bootstrap-engines.ts";

async function asked(status: number, body: string): Promise<ReadonlyMap<number, string>> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  try {
    const { port } = server.address() as AddressInfo;
    return await askBootstrap(`http://127.0.0.1:${port}`, {
      signal: new AbortController().signal,
      timeoutMs: 5000,
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe("bootstrap addresses", () => {
  it("are the workers' hosts with the ports that follow, or vLLM's own", () => {
    const given = ["grpc://p1:50051", "9001", "http://p2:8000", "none", "http://[::1]:8000", "http://p4"];
    expect([...bootstrapAddresses(given)]).toEqual([
      ["grpc://p1:50051", "http://p1:9001"],
      ["http://p2:8000", "http://p2:8998"],
      ["http://[::1]:8000", "http://[::1]:8998"],
      ["http://p4", "http://p4:8998"],
    ]);
  });
});

describe("a bootstrap server's answer", () => {
  it("names an engine for each rank", async () => {
    const body = JSON.stringify({
      "0": { engine_id: "e_dp0", worker_addr: { "0": { "0": "tcp://10.0.0.1:5" } } },
      "1": { engine_id: "e_dp1", worker_addr: {} },
    });
    expect([...(await asked(200, body))]).toEqual([
      [0, "e_dp0"],
      [1, "e_dp1"],
    ]);
  });

  it.each([
    ["an error", 500, "{}"],
    ["no JSON", 200, "<html>"],
    ["a list", 200, "[]"],
    ["an engine without an id", 200, '{"0":{"worker_addr":{}}}'],
    ["an id that is no text", 200, '{"0":{"engine_id":7}}'],
    ["null for an engine", 200, '{"0":null}'],
    ["a rank in words", 200, '{"zero":{"engine_id":"e"}}'],
    ["too much", 200, JSON.stringify({ "0": { engine_id: "e".repeat(5_000_000) } })],
  ])("that is %s counts as none", async (_what, status, body) => {
    await expect(asked(status, body)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("the engines of a worker", () => {
  const listed = new Map([
    [0, "a_dp0"],
    [1, "b_dp1"],
  ]);

  it("are its ranks'", () => {
    expect(enginesOfWorker(listed, { ranks: 2, engineId: undefined })).toEqual(listed);
  });

  it("are told from those of others by the worker's own id", () => {
    expect(enginesOfWorker(listed, { ranks: 1, engineId: "b" })).toEqual(new Map([[0, "b_dp1"]]));
  });

  it("is the only one there is, whatever its rank", () => {
    const one = new Map([[3, "c"]]);
    expect(enginesOfWorker(one, { ranks: 1, engineId: undefined })).toEqual(new Map([[0, "c"]]));
  });

  it.each([
    ["a rank has not registered", { ranks: 3, engineId: undefined }],
    ["several are not to be told apart", { ranks: 1, engineId: undefined }],
  ])("are not known when %s", (_what, worker) => {
    expect(() => enginesOfWorker(listed, worker)).toThrow(
      expect.objectContaining({ code: "unavailable" }) as Error,
    );
  });
});
