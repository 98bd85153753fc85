import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { RecordingProxySink } from "../test/recording-proxy-sink.ts";
import { type ConnectHttpForCases, startHttpCase } from "../test/start-http-case.ts";
import { turns, waitUntil } from "../test/wait-until.ts";
import type { ProxyRequest } from "./engine.ts";

const POST: ProxyRequest = {
  method: "POST",
  path: "/v1/completions?x=1",
  headers: ["Content-Type", "application/json", "X-Request-Id", "7", "Host", "router", "Connection", "close"],
  body: Buffer.from('{"model": "m"}'),
  deadlineAtMs: undefined,
};

/** What every client of HTTP engines has to do, over real sockets. Every case ends with no open socket on the engine. */
export function runProxyEngineCases(connect: ConnectHttpForCases): void {
  it("passes request and answer on as they are, but for hop-by-hop headers", async () => {
    let seen: { url: string | undefined; headers: IncomingHttpHeaders; body: string } | undefined;
    await using setup = await startHttpCase(connect, (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        seen = { url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString() };
        response.writeHead(418, [
          ["X-Twice", "1"],
          ["X-Twice", "2"],
          ["Content-Type", "text/plain"],
        ]);
        response.end("short");
      });
    });
    const sink = new RecordingProxySink();
    setup.connection.engine.forward(POST, sink);
    expect(sink.kinds).toEqual([]);
    await sink.over();
    expect(seen).toMatchObject({
      url: "/v1/completions?x=1",
      body: '{"model": "m"}',
      headers: {
        "content-type": "application/json",
        "x-request-id": "7",
        "content-length": "14",
        host: setup.engine.address,
      },
    });
    expect(sink.answer?.status).toBe(418);
    const headers = sink.answer?.headers ?? [];
    expect(headers.slice(0, 6)).toEqual(["X-Twice", "1", "X-Twice", "2", "Content-Type", "text/plain"]);
    expect(headers.map((header) => header.toLowerCase())).not.toContain("transfer-encoding");
    expect(headers.map((header) => header.toLowerCase())).not.toContain("connection");
    expect(sink.text).toBe("short");
    expect(sink.kinds.slice(-2)).toEqual(["flush", "end"]);
  });

  it("passes each piece of a stream on at once", async () => {
    let answer: ServerResponse | undefined;
    await using setup = await startHttpCase(connect, (_request, response) => {
      answer = response;
      response.write("data: 1\n\n");
    });
    const sink = new RecordingProxySink();
    setup.connection.engine.forward(POST, sink);
    await waitUntil(() => sink.kinds.includes("flush") && sink.pieces.length > 0, "the first piece");
    expect(sink.text).toBe("data: 1\n\n");
    answer?.write("data: 2\n\n");
    await waitUntil(() => sink.pieces.length === 2, "the second piece");
    answer?.end();
    await sink.over();
    expect(sink.kinds.at(-1)).toBe("end");
  });

  it("is silent after a cancel, and the engine notices", async () => {
    let isClosed = false;
    await using setup = await startHttpCase(connect, (_request, response) => {
      response.on("close", () => {
        isClosed = true;
      });
      response.write("data: 1\n\n");
    });
    const sink = new RecordingProxySink();
    const call = setup.connection.engine.forward(POST, sink);
    sink.onEvent = (event) => {
      if (event === "data") call.cancel();
    };
    await waitUntil(() => isClosed, "the engine sees the end");
    await turns();
    expect(sink.kinds.at(-1)).toBe("data");
    const early = new RecordingProxySink();
    setup.connection.engine.forward(POST, early).cancel();
    await turns();
    expect(early.kinds).toEqual([]);
  });

  it("holds little while it is paused, and goes on where it was", async () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    const total = 800;
    let writtenBytes = 0;
    await using setup = await startHttpCase(connect, (_request, response) => {
      let written = 0;
      const goOn = (): void => {
        while (written < total) {
          written++;
          writtenBytes += piece.length;
          if (!response.write(piece)) {
            response.once("drain", goOn);
            return;
          }
        }
        response.end();
      };
      goOn();
    });
    const sink = new RecordingProxySink();
    const call = setup.connection.engine.forward(POST, sink);
    sink.onEvent = (event) => {
      if (event === "data") call.pause();
    };
    await waitUntil(() => sink.pieces.length === 1, "the first piece");
    let before = -1;
    while (before !== writtenBytes) {
      before = writtenBytes;
      await turns(200);
    }
    expect(sink.pieces.length).toBe(1);
    expect(writtenBytes).toBeLessThan((total * piece.length) / 2);
    sink.onEvent = undefined;
    call.resume();
    await sink.over();
    expect(Buffer.concat(sink.pieces).length).toBe(total * piece.length);
    expect(sink.kinds.at(-1)).toBe("end");
  });

  it("hears nothing while it is paused from the beginning", async () => {
    let isAnswered = false;
    await using setup = await startHttpCase(connect, (_request, response) => {
      response.on("finish", () => {
        isAnswered = true;
      });
      response.end("hello");
    });
    const sink = new RecordingProxySink();
    const call = setup.connection.engine.forward(POST, sink);
    call.pause();
    await waitUntil(() => isAnswered, "the answer");
    await turns();
    expect(sink.kinds).toEqual([]);
    call.resume();
    await sink.over();
    expect(sink.text).toBe("hello");
    expect(sink.kinds.filter((kind) => kind !== "flush")).toEqual(["head", "data", "end"]);
  });

  it("fails when the engine dies, does not answer in time, or is not there", async () => {
    await using setup = await startHttpCase(connect, (_request, response) => {
      response.write("data: 1\n\n");
    });
    const dying = new RecordingProxySink();
    setup.connection.engine.forward(POST, dying);
    await waitUntil(() => dying.pieces.length === 1, "the first piece");
    const late = new RecordingProxySink();
    setup.connection.engine.forward({ ...POST, deadlineAtMs: Date.now() + 100 }, late);
    await late.over();
    expect(late.failure).toMatchObject({ code: "deadline_exceeded" });
    const past = new RecordingProxySink();
    setup.connection.engine.forward({ ...POST, deadlineAtMs: Date.now() - 1 }, past);
    await past.over();
    expect(past.failure).toMatchObject({ code: "deadline_exceeded", notStarted: true });
    setup.engine.kill();
    await dying.over();
    expect(dying.failure).toMatchObject({ code: "unavailable", notStarted: false });
    const refused = new RecordingProxySink();
    setup.connection.engine.forward(POST, refused);
    await refused.over();
    expect(refused.failure).toMatchObject({ code: "unavailable", notStarted: true });
  });

  it("fails on requests that cannot be sent and answers that are not HTTP", async () => {
    await using setup = await startHttpCase(connect, (_request, response) => {
      response.socket?.end("HTTP/1.1 banana\r\n\r\n");
    });
    const broken = new RecordingProxySink();
    setup.connection.engine.forward(POST, broken);
    await broken.over();
    expect(broken.failure?.code).toBe("protocol");
    const unsendable = new RecordingProxySink();
    setup.connection.engine.forward({ ...POST, path: "no slash" }, unsendable);
    await unsendable.over();
    expect(unsendable.failure).toMatchObject({ code: "internal", notStarted: true });
  });

  it("ends one call, not its neighbours, when a sink throws", async () => {
    await using setup = await startHttpCase(connect, (_request, response) => {
      response.end("hello");
    });
    const broken = new RecordingProxySink();
    broken.onEvent = (event) => {
      if (event === "head") throw new Error("bug");
    };
    setup.connection.engine.forward(POST, broken);
    const sound = new RecordingProxySink();
    setup.connection.engine.forward(POST, sound);
    await Promise.all([broken.over(), sound.over()]);
    expect(broken.failure?.code).toBe("internal");
    expect(sound.text).toBe("hello");
  });

  it("finds the end of answers of every kind, and uses the connection again where it may", async () => {
    await using setup = await startHttpCase(connect, (request, response) => {
      switch (request.url) {
        case "/length":
          response.writeHead(200, { "content-length": 5 });
          response.end("hello");
          break;
        case "/chunks":
          response.write("hel");
          response.end("lo");
          break;
        case "/close":
          response.socket?.end("HTTP/1.1 200 OK\r\nX-Kind: close\r\n\r\nhello");
          break;
        case "/nothing":
          response.writeHead(204).end();
          break;
        case "/unchanged":
          response.writeHead(304, { "content-length": 5 }).end();
          break;
        case "/empty":
          response.writeHead(200, { "content-length": 0 }).end();
          break;
        case "/interim":
          response.writeEarlyHints({ link: "</a>; rel=preload" });
          response.writeProcessing();
          response.end("hello");
          break;
        default:
          response.writeHead(200, { "content-length": 5 }).end();
      }
    });
    const get = async (path: string, method = "GET"): Promise<string> => {
      const sink = new RecordingProxySink();
      setup.connection.engine.forward({ ...POST, method, path, body: undefined }, sink);
      await sink.over();
      expect(sink.failure).toBeUndefined();
      expect(sink.kinds.filter((kind) => kind === "head").length).toBe(1);
      expect(sink.kinds.slice(-2)).toEqual(["flush", "end"]);
      return `${sink.answer?.status} ${sink.text}`;
    };
    expect(await get("/length")).toBe("200 hello");
    expect(await get("/chunks")).toBe("200 hello");
    expect(await get("/nothing")).toBe("204 ");
    expect(await get("/unchanged")).toBe("304 ");
    expect(await get("/empty")).toBe("200 ");
    expect(await get("/interim")).toBe("200 hello");
    expect(await get("/head", "HEAD")).toBe("200 ");
    expect(await get("/length")).toBe("200 hello");
    // Some clients are more careful than they need to be, but none opens a connection for every request.
    const { connections } = setup.engine;
    expect(connections).toBeLessThanOrEqual(3);
    expect(await get("/close")).toBe("200 hello");
    expect(await get("/length")).toBe("200 hello");
    expect(setup.engine.connections).toBe(connections + 1);
  });

  it("sends a body that comes in pieces, and stops when nobody wants the rest", async () => {
    const received: string[] = [];
    await using setup = await startHttpCase(connect, (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        received.push(Buffer.concat(pieces).toString());
        response.end("done");
      });
      request.on("error", () => {});
    });
    const sink = new RecordingProxySink();
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 500; piece++) {
        yield Buffer.from(`piece ${piece};`);
        if (piece % 100 === 0) await turns(1);
      }
      yield Buffer.alloc(200_000, "x");
      yield new Uint8Array(0);
    };
    setup.connection.engine.forward({ ...POST, body: { lengthBytes: undefined, open: pieces } }, sink);
    await sink.over();
    expect(sink.text).toBe("done");
    expect(received[0]?.startsWith("piece 0;piece 1;")).toBe(true);
    expect(received[0]?.length).toBe(200_000 + 500 * 7 + 10 + 2 * 90 + 3 * 400);
    let isStopped = false;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.alloc(1000);
          await turns(1);
        }
      } finally {
        isStopped = true;
      }
    };
    const cancelled = new RecordingProxySink();
    const call = setup.connection.engine.forward(
      { ...POST, body: { lengthBytes: undefined, open: endless } },
      cancelled,
    );
    await turns();
    call.cancel();
    await waitUntil(() => isStopped, "the body is stopped");
    const broken = new RecordingProxySink();
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await turns(1);
      throw new Error("the client left");
    };
    setup.connection.engine.forward({ ...POST, body: { lengthBytes: undefined, open: breaking } }, broken);
    await broken.over();
    expect(broken.failure).toBeDefined();
    expect(cancelled.kinds).toEqual([]);
  });

  it("passes many answers on at once, each to its own sink", async () => {
    await using setup = await startHttpCase(connect, (request, response) => {
      const name = request.url?.slice(1) ?? "";
      for (let piece = 0; piece < 20; piece++) response.write(`${name}-${piece} `);
      response.end();
    });
    const sinks = Array.from({ length: 60 }, () => new RecordingProxySink());
    for (let round = 0; round < 2; round++) {
      sinks.forEach((sink, index) =>
        setup.connection.engine.forward({ ...POST, path: `/${round}-${index}` }, sink),
      );
      await Promise.all(sinks.map(async (sink) => sink.over()));
      for (const [index, sink] of sinks.entries()) {
        expect(sink.text).toBe(
          Array.from({ length: 20 }, (_, piece) => `${round}-${index}-${piece} `).join(""),
        );
      }
      for (let index = 0; index < sinks.length; index++) sinks[index] = new RecordingProxySink();
    }
  });
}
