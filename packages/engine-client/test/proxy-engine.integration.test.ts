import type { RequestListener } from "node:http";
import { describe, expect, it } from "vitest";
import { connectEngine, type HttpClient } from "../src/index.ts";
import { runProxyEngineCases } from "../src/proxy-engine.cases.ts";
import { type ConnectHttpForCases, startHttpCase } from "./start-http-case.ts";

const connectBy =
  (httpClient: HttpClient): ConnectHttpForCases =>
  (address) => {
    const connection = connectEngine({ dialect: "http", address, secure: false }, { httpClient });
    if (connection.dialect !== "http") throw new Error(connection.dialect);
    return connection;
  };
const connect = connectBy("undici");

describe("forward() over undici", () => {
  runProxyEngineCases(connectBy("undici"));
});
describe("forward() over node:net", () => {
  runProxyEngineCases(connectBy("net"));
});

describe("HTTP admin calls", () => {
  const listener: RequestListener = (request, response) => {
    switch (request.url) {
      case "/v1/models":
        response.end(
          '{"object":"list","data":[{"id":"m","root":"/m","parent":null,"max_model_len":2048},{"id":"l","parent":"m"}]}',
        );
        break;
      case "/version":
        response.end('{"version":"0.32.0"}');
        break;
      case "/metrics":
        response.end("vllm:num_requests_running 3\n");
        break;
      case "/health":
        response.writeHead(503).end();
        break;
      default:
        response.writeHead(404).end();
    }
  };

  it("read health, models, version and metrics", async () => {
    await using setup = await startHttpCase(connect, listener);
    const { admin } = setup.connection;
    expect(await admin.health()).toBe(503);
    expect(await admin.models()).toEqual([
      { id: "m", root: "/m", parent: undefined, maxModelTokens: 2048 },
      { id: "l", root: "", parent: "m", maxModelTokens: undefined },
    ]);
    expect(await admin.version()).toBe("0.32.0");
    expect(await admin.metrics()).toContain("vllm:num_requests_running 3");
  });

  it("fail clearly", async () => {
    await using setup = await startHttpCase(connect, (request, response) => {
      if (request.url === "/version") response.end("[]");
      else if (request.url === "/v1/models") response.end("nope");
      else if (request.url === "/metrics") response.writeHead(404).end();
    });
    const { admin } = setup.connection;
    await expect(admin.version()).rejects.toMatchObject({ code: "protocol" });
    await expect(admin.models()).rejects.toMatchObject({ code: "protocol" });
    await expect(admin.metrics()).rejects.toMatchObject({ code: "unimplemented" });
    await expect(admin.health({ deadlineAtMs: Date.now() + 100 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    const controller = new AbortController();
    const pending = admin.health({ signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "cancelled" });
    await expect(admin.health({ signal: controller.signal })).rejects.toMatchObject({ code: "cancelled" });
  });

  it("take no answer without end", async () => {
    let sentBytes = 0;
    await using setup = await startHttpCase(connect, (_request, response) => {
      const piece = Buffer.alloc(1024 * 1024, " ");
      const send = (): void => {
        while (!response.destroyed && sentBytes < 64 * piece.length) {
          sentBytes += piece.length;
          if (!response.write(piece)) {
            response.once("drain", send);
            return;
          }
        }
      };
      send();
    });
    await expect(setup.connection.admin.metrics()).rejects.toMatchObject({
      code: "protocol",
      message: "the engine's /metrics is too large",
    });
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
  });
});
