import { createServer, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { GetModelInfoResponse, ServerInfo, ServingStatus } from "@vllm-router/proto/messages";
import { type ControlServer, ControlService } from "@vllm-router/proto/services";
import { describe, expect, it } from "vitest";
import { connectEngine, probeEngine } from "../src/index.ts";
import { startHttpEngine } from "./http-engine.ts";
import { startScriptedEngine } from "./scripted-engine.ts";

async function startInference(): Promise<{ address: string } & AsyncDisposable> {
  const server = new Server();
  const control: Partial<ControlServer> = {
    getServerInfo: (_call, callback) => callback(null, ServerInfo.fromPartial({ engineVersion: "0.32.0" })),
  };
  server.addService(ControlService, control);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

describe("probeEngine()", () => {
  it("knows a VllmEngine by its health, also while it is loading", async () => {
    for (const serving of [ServingStatus.SERVING, ServingStatus.NOT_SERVING] as const) {
      await using engine = await startScriptedEngine({
        health: { check: (_call, callback) => callback(null, { status: serving }) },
      });
      const found = await probeEngine(`http://${engine.address}`);
      expect(found).toEqual({ dialect: "vllm-engine", address: engine.address, secure: false });
      expect(connectEngine(found).dialect).toBe("vllm-engine");
    }
  });

  it("knows a VllmEngine without a health service by its model", async () => {
    await using engine = await startScriptedEngine({
      engine: { getModelInfo: (_call, callback) => callback(null, GetModelInfoResponse.fromPartial({})) },
    });
    expect((await probeEngine(`grpc://${engine.address}`)).dialect).toBe("vllm-engine");
  });

  it("knows vllm.Inference", async () => {
    await using engine = await startInference();
    const found = await probeEngine(`http://${engine.address}`);
    expect(found.dialect).toBe("vllm-inference");
    expect(connectEngine(found).dialect).toBe("vllm-inference");
  });

  it("takes a server that does not speak gRPC for HTTP, whatever it says about its health", async () => {
    await using engine = await startHttpEngine((_request, response) => response.writeHead(503).end());
    expect(await probeEngine(`http://${engine.address}`)).toEqual({
      dialect: "http",
      address: engine.address,
      secure: false,
    });
  });

  it("does not take HTTP for gRPC when gRPC is demanded", async () => {
    await using engine = await startHttpEngine((_request, response) => response.end());
    await expect(probeEngine(`grpc://${engine.address}`)).rejects.toThrow(
      /^no engine answers at grpc:\/\/.* \(tried vllm-engine, vllm-inference\)/,
    );
  });

  it("says so when nothing listens", async () => {
    const engine = await startScriptedEngine({});
    engine.kill();
    await expect(probeEngine(`http://${engine.address}`)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/no engine answers at http:.*ECONNREFUSED/),
    });
  });

  it("says so when a gRPC server is no engine", async () => {
    await using engine = await startScriptedEngine({
      health: {
        check: (_call, callback) => callback({ code: status.NOT_FOUND, details: "Unknown service" }),
      },
    });
    await expect(probeEngine(`grpc://${engine.address}`)).rejects.toMatchObject({
      code: "protocol",
      message: expect.stringContaining("knows none of these services"),
    });
  });

  it("gives up at its deadline", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
    });
    const port = await new Promise<number>((resolve) => {
      silent.listen(0, "127.0.0.1", () => {
        const bound = silent.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      });
    });
    await expect(
      probeEngine(`http://127.0.0.1:${port}`, { deadlineAtMs: Date.now() + 300 }),
    ).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("names the URL when it is none", async () => {
    await expect(probeEngine("node1:50051")).rejects.toThrow('"node1:50051"');
  });
});
