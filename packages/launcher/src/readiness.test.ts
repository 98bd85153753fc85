import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ServingStatus } from "@vllm-router/proto/messages";
import {
  HealthService,
  VllmEngineService,
  type HealthServer,
  type VllmEngineServer,
} from "@vllm-router/proto/services";
import { afterEach, describe, expect, it } from "vitest";

import { createProber } from "./readiness.ts";

describe("the gRPC probe", () => {
  const server: { current?: Server } = {};
  afterEach(() => server.current?.forceShutdown());

  async function serve(add: (started: Server) => void): Promise<string> {
    const started = new Server();
    server.current = started;
    add(started);
    const port = await new Promise<number>((resolve, reject) => {
      started.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return `127.0.0.1:${port}`;
  }

  it("follows standard health", async () => {
    let serving: ServingStatus = ServingStatus.NOT_SERVING;
    const health: Partial<HealthServer> = {
      check: (_call, callback) => {
        callback(null, { status: serving });
      },
    };
    const address = await serve((started) => {
      started.addService(HealthService, health);
    });
    using prober = createProber({ kind: "grpc", address });
    expect(await prober.ask()).toBe(false);
    serving = ServingStatus.SERVING;
    expect(await prober.ask()).toBe(true);
  });

  it("asks the engine itself where there is no standard health", async () => {
    const engine: Partial<VllmEngineServer> = {
      healthCheck: (_call, callback) => {
        callback(null, { healthy: true, message: "" });
      },
    };
    const address = await serve((started) => {
      started.addService(VllmEngineService, engine);
    });
    using prober = createProber({ kind: "grpc", address });
    expect(await prober.ask()).toBe(true);
  });

  it("is not ready where nobody listens", async () => {
    using prober = createProber({ kind: "grpc", address: "127.0.0.1:1" });
    expect(await prober.ask()).toBe(false);
  });
});
