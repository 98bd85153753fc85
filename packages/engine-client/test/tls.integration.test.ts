import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { ServerCredentials } from "@grpc/grpc-js";
import { ServingStatus } from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import { connectEngine, probeEngine } from "../src/index.ts";
import { complete } from "./engine-messages.ts";
import { RecordingProxySink } from "./recording-proxy-sink.ts";
import { RecordingSink } from "./recording-sink.ts";
import { sampleRequest } from "./sample-request.ts";
import { startScriptedEngine } from "./scripted-engine.ts";

const certificate = readFileSync(new URL("__fixtures__/tls-certificate.pem", import.meta.url), "utf8");
const key = readFileSync(new URL("__fixtures__/tls-key.pem", import.meta.url), "utf8");
const tls = { authorities: certificate };

describe("TLS", () => {
  it.each(["http2", "net", "grpc-js"] as const)(
    "carries gRPC over %s, and only to an engine it trusts",
    async (transport) => {
      await using engine = await startScriptedEngine({
        credentials: ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) },
        ]),
        generate: (call) => {
          call.write(complete({ tokenIds: [7] }));
          call.end();
        },
        health: { check: (_call, callback) => callback(null, { status: ServingStatus.SERVING }) },
      });
      const found = await probeEngine(`grpcs://${engine.address}`, { tls });
      expect(found).toEqual({ dialect: "vllm-engine", address: engine.address, secure: true });
      const trusting = connectEngine(found, { transport, tls });
      const doubting = connectEngine(found, { transport });
      if (trusting.dialect !== "vllm-engine" || doubting.dialect !== "vllm-engine")
        throw new Error(trusting.dialect);
      const sink = new RecordingSink();
      trusting.engine.generate(sampleRequest(), sink);
      const refused = new RecordingSink();
      doubting.engine.generate(sampleRequest(), refused);
      await Promise.all([sink.over(), refused.over()]);
      expect(sink.tokenIds()).toEqual([7]);
      expect(refused.first("error").error).toMatchObject({ code: "unavailable", notStarted: true });
      await Promise.all([trusting.close(), doubting.close()]);
    },
  );

  it.each(["undici", "net"] as const)(
    "carries HTTP over %s, and only to an engine it trusts",
    async (httpClient) => {
      const server = createServer({ cert: certificate, key }, (_request, response) => {
        response.end('{"version":"0.32.0"}');
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const found = await probeEngine(`https://127.0.0.1:${port}`, { tls });
      expect(found).toEqual({ dialect: "http", address: `127.0.0.1:${port}`, secure: true });
      const connection = connectEngine(found, { tls, httpClient });
      const doubting = connectEngine(found, { httpClient });
      if (connection.dialect !== "http" || doubting.dialect !== "http") throw new Error(connection.dialect);
      expect(await connection.admin.version()).toBe("0.32.0");
      const get = { method: "GET", path: "/version", headers: [], body: undefined, deadlineAtMs: undefined };
      const sink = new RecordingProxySink();
      connection.engine.forward(get, sink);
      const refused = new RecordingProxySink();
      doubting.engine.forward(get, refused);
      await Promise.all([sink.over(), refused.over()]);
      expect(sink.text).toBe('{"version":"0.32.0"}');
      expect(refused.failure).toMatchObject({ code: "unavailable" });
      await Promise.all([connection.close(), doubting.close()]);
      server.close();
    },
  );
});
