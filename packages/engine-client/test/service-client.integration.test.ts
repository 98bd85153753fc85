import { HealthDefinition, ServingStatus, StandardHealthCheckResponse } from "@vllm-router/proto/messages";
import { describe, expect, it } from "vitest";
import { ServiceClient } from "../src/admin/service-client.ts";
import type { EngineError } from "../src/engine-error.ts";
import { createTransport, type EngineTransport } from "../src/transport/create-transport.ts";
import { DEFAULT_TRANSPORT_OPTIONS } from "../src/transport/transport-options.ts";
import { frameBytes } from "./engine-messages.ts";
import { type RawHandler, sendPieces, startRawEngine } from "./raw-engine.ts";
import { turns, waitUntil } from "./wait-until.ts";

const TRANSPORTS = ["net", "http2", "grpc-js"] as const satisfies readonly EngineTransport[];
const CHECK = { method: "check", request: { service: "" } } as const;

const serving = frameBytes(StandardHealthCheckResponse.encode({ status: ServingStatus.SERVING }).finish());
const notServing = frameBytes(
  StandardHealthCheckResponse.encode({ status: ServingStatus.NOT_SERVING }).finish(),
);
/** A varint that does not end. */
const unreadable = frameBytes(Uint8Array.of(0x08, 0xff));

async function start(
  kind: EngineTransport,
  handle: RawHandler,
): Promise<{ client: ServiceClient<HealthDefinition>; paths: () => unknown[] } & AsyncDisposable> {
  const server = await startRawEngine(handle);
  const options = { ...DEFAULT_TRANSPORT_OPTIONS, address: server.address, secure: false };
  const transport = createTransport(options, kind);
  return {
    client: new ServiceClient(transport, HealthDefinition),
    paths: () => server.requests.map((headers) => headers[":path"]),
    [Symbol.asyncDispose]: async () => {
      await transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe.each(TRANSPORTS)("ServiceClient over %s", (kind) => {
  it("asks at the method's path and gives the answer", async () => {
    await using setup = await start(kind, (stream) => sendPieces(stream, [serving]));
    expect(await setup.client.call(CHECK, {})).toEqual({ status: ServingStatus.SERVING });
    expect(setup.paths()).toEqual(["/grpc.health.v1.Health/Check"]);
  });

  it.each([
    ["none", [], /no answer/],
    ["one that cannot be read", [unreadable], /cannot be read/],
    ["two", [serving, notServing], /second answer/],
  ] as const)("refuses an engine that gives a call of one answer %s", async (_what, pieces, message) => {
    await using setup = await start(kind, (stream) => sendPieces(stream, pieces));
    await expect(setup.client.call(CHECK, {})).rejects.toMatchObject({
      code: "protocol",
      message: expect.stringMatching(message),
    });
    // The connection is none the worse for it.
    await expect(setup.client.call(CHECK, {})).rejects.toMatchObject({ code: "protocol" });
  });

  it("hears one answer after the other and nothing more once it is stopped", async () => {
    const answers: unknown[] = [];
    const ends: (EngineError | undefined)[] = [];
    await using setup = await start(kind, (stream) => sendPieces(stream, [serving, notServing, serving]));
    const listener = {
      message: (answer: StandardHealthCheckResponse) => {
        answers.push(answer.status);
        if (answers.length === 2) call.stop();
      },
      end: (error: EngineError | undefined) => {
        ends.push(error);
      },
    };
    const call = setup.client.listen(CHECK, {}, listener);
    expect(answers).toEqual([]);
    await waitUntil(() => answers.length === 2, "two answers");
    await turns();
    expect(answers).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    expect(ends).toEqual([]);
  });

  it("gives no answer to a call that was cancelled, before or while it ran", async () => {
    await using setup = await start(kind, () => {});
    const controller = new AbortController();
    const pending = setup.client.call(CHECK, { signal: controller.signal });
    await waitUntil(() => setup.paths().length === 1, "the call is at the engine");
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "cancelled" });
    await expect(setup.client.call(CHECK, { signal: controller.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(setup.paths().length).toBe(1);
  });
});
