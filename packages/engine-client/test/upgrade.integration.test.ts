import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  connectEngine,
  type EngineError,
  type HttpEngineConnection,
  type ProxyHead,
  type ProxyRequest,
  type StreamedBody,
  type UpgradeSink,
} from "../src/index.ts";
import { startHttpEngine } from "./http-engine.ts";
import { waitUntil } from "./wait-until.ts";

const REQUEST: ProxyRequest = {
  method: "GET",
  path: "//v1/realtime?model=m",
  headers: ["Host", "router", "Connection", "Upgrade", "Upgrade", "websocket", "X-Mine", "1"],
  body: undefined,
  deadlineAtMs: undefined,
};

class RecordingUpgradeSink implements UpgradeSink {
  readonly events: string[] = [];
  head: ProxyHead | undefined;
  stream: Duplex | undefined;
  text = "";
  failure: EngineError | undefined;

  accepted(head: ProxyHead, stream: Duplex, first: Uint8Array): void {
    this.head = head;
    this.stream = stream;
    this.text = Buffer.from(first).toString();
    stream.on("data", (piece: Buffer) => (this.text += piece.toString()));
    this.events.push("accepted");
  }
  refused(head: ProxyHead, body: Uint8Array): void {
    this.head = head;
    this.text = Buffer.from(body).toString();
    this.events.push("refused");
  }
  error(error: EngineError): void {
    this.failure = error;
    this.events.push("error");
  }
  async over(): Promise<void> {
    await waitUntil(() => this.events.length > 0, "an answer");
  }
}

function connectTo(address: string): HttpEngineConnection {
  const connection = connectEngine({ dialect: "http", address, secure: false });
  if (connection.dialect !== "http") throw new Error(connection.dialect);
  return connection;
}

async function startUpgradeEngine(
  handle: (request: IncomingMessage, socket: Duplex) => void,
): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer();
  server.on("upgrade", handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("upgrade()", () => {
  it("hands over the connection of an engine that accepts", async () => {
    let seen: IncomingMessage | undefined;
    await using engine = await startUpgradeEngine((request, socket) => {
      seen = request;
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
      );
      socket.on("data", (piece: Buffer) => socket.end(`said ${piece.toString()}`));
    });
    const connection = connectTo(engine.address);
    const sink = new RecordingUpgradeSink();
    connection.engine.upgrade(REQUEST, sink);
    expect(sink.events).toEqual([]);
    await sink.over();
    expect(sink.head).toEqual({ status: 101, headers: ["Upgrade", "websocket", "Connection", "Upgrade"] });
    // A path never names another host.
    expect(seen?.url).toBe("//v1/realtime?model=m");
    expect(seen?.headers).toMatchObject({ host: engine.address, "x-mine": "1", upgrade: "websocket" });
    sink.stream?.write("again");
    await waitUntil(() => sink.text === "hellosaid again", "the engine's words");
    sink.stream?.destroy();
    await connection.close();
  });

  it("gives the answer of an engine that refuses", async () => {
    await using engine = await startHttpEngine((_request, response) => {
      response.writeHead(403, { "x-why": "test" }).end("no");
    });
    const connection = connectTo(engine.address);
    const sink = new RecordingUpgradeSink();
    connection.engine.upgrade(REQUEST, sink);
    await sink.over();
    expect([sink.events, sink.head?.status, sink.text]).toEqual([["refused"], 403, "no"]);
    await connection.close();
  });

  it("fails when nothing listens, at the deadline, and not after a cancel", async () => {
    await using engine = await startUpgradeEngine(() => {});
    const connection = connectTo(engine.address);
    const late = new RecordingUpgradeSink();
    connection.engine.upgrade({ ...REQUEST, deadlineAtMs: Date.now() + 100 }, late);
    const cancelled = new RecordingUpgradeSink();
    connection.engine.upgrade(REQUEST, cancelled)();
    await late.over();
    expect(late.failure?.code).toBe("deadline_exceeded");
    const nobody = await startHttpEngine(() => {});
    nobody.kill();
    const absent = new RecordingUpgradeSink();
    connectTo(nobody.address).engine.upgrade(REQUEST, absent);
    await absent.over();
    expect(absent.failure).toMatchObject({ code: "unavailable", notStarted: true });
    expect(cancelled.events).toEqual([]);
    await connection.close();
  });
});

describe("a streamed body", () => {
  it.each([undefined, 6])("is sent as it comes, with length %s", async (lengthBytes) => {
    let seen: IncomingMessage | undefined;
    let text = "";
    await using engine = await startHttpEngine((request, response) => {
      seen = request;
      request.on("data", (piece: Buffer) => (text += piece.toString()));
      request.on("end", () => response.end());
    });
    const connection = connectTo(engine.address);
    const body: StreamedBody = {
      lengthBytes,
      async *open() {
        yield Buffer.from("one");
        await waitUntil(() => text === "one", "the first half");
        yield Buffer.from("two");
      },
    };
    await new Promise<void>((resolve, reject) => {
      connection.engine.forward(
        { ...REQUEST, method: "POST", headers: [], body },
        { head: () => {}, data: () => {}, flush: () => {}, end: resolve, error: reject },
      );
    });
    expect(text).toBe("onetwo");
    expect(seen?.headers["content-length"]).toBe(lengthBytes === undefined ? undefined : "6");
    expect(seen?.headers["transfer-encoding"]).toBe(lengthBytes === undefined ? "chunked" : undefined);
    await connection.close();
  });
});
