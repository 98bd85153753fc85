import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { EngineErrorCode, ProxyRequest } from "../src/index.ts";
import { NetProxyEngine } from "../src/proxy/net/net-proxy-engine.ts";
import { DEFAULT_TRANSPORT_OPTIONS } from "../src/transport/transport-options.ts";
import { RecordingProxySink } from "./recording-proxy-sink.ts";
import { turns, waitUntil } from "./wait-until.ts";

const POST: ProxyRequest = {
  method: "POST",
  path: "/v1/completions",
  headers: ["content-type", "application/json"],
  body: Buffer.from("{}"),
  deadlineAtMs: undefined,
};
const HELLO = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** A server that hears bytes and answers bytes. */
async function startBytesEngine(
  hear: (request: string, socket: Socket, connection: number) => void,
): Promise<
  { readonly engine: NetProxyEngine; readonly sockets: Socket[]; openSockets(): number } & AsyncDisposable
> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => hear(bytes.toString("latin1"), socket, connection));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const engine = new NetProxyEngine({ ...DEFAULT_TRANSPORT_OPTIONS, address, secure: false });
  const openSockets = (): number => sockets.filter((socket) => !socket.destroyed).length;
  return {
    engine,
    sockets,
    openSockets,
    [Symbol.asyncDispose]: async () => {
      engine.close();
      await waitUntil(() => openSockets() === 0, "no open socket");
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function forward(
  engine: NetProxyEngine,
  request: Partial<ProxyRequest> = {},
): Promise<RecordingProxySink> {
  const sink = new RecordingProxySink();
  engine.forward({ ...POST, ...request }, sink);
  await sink.over();
  return sink;
}

describe("NetProxyEngine", () => {
  it("tells all chunks of one read in one piece", async () => {
    await using setup = await startBytesEngine((_request, socket) => {
      const chunks = Array.from({ length: 50 }, (_, at) => `8\r\ndata: ${String(at).padStart(2, "0")}\r\n`);
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`);
    });
    const sink = await forward(setup.engine);
    expect(sink.kinds).toEqual(["head", "data", "flush", "end"]);
    expect(sink.text.length).toBe(400);
    expect(sink.text.slice(-16)).toBe("data: 48data: 49");
  });

  it("sends what was asked for in a turn when the turn ends, and nothing of what was given up before", async () => {
    const heard: string[] = [];
    await using setup = await startBytesEngine((request, socket) => {
      heard.push(request.slice(0, request.indexOf(" HTTP")));
      socket.write(HELLO);
    });
    await forward(setup.engine, { path: "/first" });
    const givenUp = new RecordingProxySink();
    setup.engine.forward({ ...POST, path: "/second" }, givenUp).cancel();
    expect((await forward(setup.engine, { path: "/third" })).text).toBe("hello");
    await turns();
    expect(heard).toEqual(["POST /first", "POST /third"]);
    expect(givenUp.kinds).toEqual([]);
  });

  it("does not take for its answer what came before a request was sent", async () => {
    const heard: string[] = [];
    await using setup = await startBytesEngine((request, socket) => {
      const asked = request.slice(0, request.indexOf(" HTTP"));
      heard.push(asked);
      socket.write(HELLO);
      if (asked !== "POST /third") return;
      const [other] = setup.sockets.filter((each) => each !== socket);
      other?.write("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
    });
    // Two connections that are kept.
    await Promise.all(["/first", "/second"].map((path) => forward(setup.engine, { path })));
    expect(setup.sockets.length).toBe(2);
    // In the turn in which the one has the answer and the other what nobody asked for, a request is given to the other.
    const third = new RecordingProxySink();
    const fourth = new RecordingProxySink();
    third.onEvent = (event) => {
      if (event === "head") setup.engine.forward({ ...POST, path: "/fourth" }, fourth);
    };
    setup.engine.forward({ ...POST, path: "/third" }, third);
    await third.over();
    await fourth.over();
    expect(fourth.answer?.status).toBe(200);
    expect(fourth.text).toBe("hello");
    expect(heard.slice(2)).toEqual(["POST /third", "POST /fourth"]);
  });

  it("sends a request again when its kept connection turns out to be closed, but not a second time", async () => {
    const seen: number[] = [];
    await using setup = await startBytesEngine((_request, socket, connection) => {
      const times = seen.filter((each) => each === connection).length;
      seen.push(connection);
      // The second request on a connection finds it closed.
      if (times === 0 && connection < 2) socket.write(HELLO);
      else socket.destroy();
    });
    expect((await forward(setup.engine)).text).toBe("hello");
    expect((await forward(setup.engine)).text).toBe("hello");
    expect(seen).toEqual([0, 0, 1]);
    const third = await forward(setup.engine);
    expect(third.failure).toMatchObject({ code: "unavailable", notStarted: false });
    expect(seen).toEqual([0, 0, 1, 1, 2]);
  });

  it("does not send again what had an answer begun, was streamed, or used a new connection", async () => {
    let requests = 0;
    await using setup = await startBytesEngine((request, socket) => {
      if (request.startsWith("GET /ok")) {
        socket.write(HELLO);
        return;
      }
      if (!request.includes("HTTP/1.1")) return;
      requests++;
      if (request.startsWith("GET /half")) socket.end("HTTP/1.1 200 OK\r\ncontent-le");
      else socket.destroy();
    });
    const ok = { method: "GET", path: "/ok", body: undefined };
    expect((await forward(setup.engine)).failure?.code).toBe("unavailable");
    await forward(setup.engine, ok);
    expect(
      (await forward(setup.engine, { method: "GET", path: "/half", body: undefined })).failure?.code,
    ).toBe("unavailable");
    await forward(setup.engine, ok);
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("piece");
    };
    const body = { lengthBytes: undefined, open };
    expect((await forward(setup.engine, { body })).failure?.code).toBe("unavailable");
    expect(requests).toBe(3);
  });

  it("never uses a connection again that has bytes too many, is to be closed, or is older than the server keeps it", async () => {
    await using setup = await startBytesEngine((request, socket) => {
      const path = request.split(" ")[1] ?? "";
      const extra = new Map([
        ["/more", `${HELLO}more`],
        ["/close", HELLO.replace("\r\n", "\r\nConnection: Close\r\n")],
        ["/old", HELLO.replace("HTTP/1.1", "HTTP/1.0")],
        ["/soon", HELLO.replace("\r\n", "\r\nKeep-Alive: timeout=1, max=5\r\n")],
        ["/late", HELLO],
      ]);
      socket.write(extra.get(path) ?? HELLO);
      if (path === "/late") setTimeout(() => socket.write("HTTP/1.1 408 Too late\r\n\r\n"), 20);
    });
    for (const path of ["/more", "/close", "/old", "/soon", "/late"]) {
      expect((await forward(setup.engine, { path })).text).toBe("hello");
      if (path === "/late") await waitUntil(() => setup.openSockets() === 0, "the connection is closed");
    }
    expect(setup.sockets.length).toBe(5);
    expect((await forward(setup.engine)).text).toBe("hello");
    expect((await forward(setup.engine)).text).toBe("hello");
    expect(setup.sockets.length).toBe(6);
  });

  it("uses a connection again whose last sink was paused at the end", async () => {
    await using setup = await startBytesEngine((_request, socket) => socket.write(HELLO));
    const slow = new RecordingProxySink();
    const call = setup.engine.forward(POST, slow);
    slow.onEvent = (event) => {
      if (event === "head") call.pause();
    };
    await waitUntil(() => slow.kinds.length > 0, "the head");
    await turns();
    expect(slow.kinds).toEqual(["head"]);
    expect((await forward(setup.engine)).text).toBe("hello");
    expect(setup.sockets.length).toBe(1);
    call.resume();
    await slow.over();
    expect(slow.kinds).toEqual(["head", "data", "flush", "end"]);
  });

  it.each<[string, string, EngineErrorCode]>([
    ["nonsense", "nonsense\r\n\r\n", "protocol"],
    ["another protocol", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", "protocol"],
    ["a malformed chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "protocol"],
    ["too little", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", "unavailable"],
    ["too few chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "unavailable"],
    ["nothing", "", "unavailable"],
  ])("fails when the engine answers %s", async (_what, text, code) => {
    await using setup = await startBytesEngine((_request, socket) => socket.end(text, "latin1"));
    expect((await forward(setup.engine)).failure?.code).toBe(code);
  });

  it.each<[string, Partial<ProxyRequest>]>([
    ["a line break in the path", { path: "/a\r\nx: 1" }],
    ["a space in the path", { path: "/a b" }],
    ["no path", { path: "" }],
    ["a line break in a header", { headers: ["x-a", "1\r\nx-b: 2"] }],
    ["a header without a name", { headers: ["", "1"] }],
    ["a method of two words", { method: "GET /" }],
  ])("refuses to send %s", async (_what, request) => {
    await using setup = await startBytesEngine(() => {});
    const sink = await forward(setup.engine, request);
    expect(sink.failure).toMatchObject({ code: "internal", notStarted: true });
    expect(setup.sockets.length).toBe(0);
  });

  it("answers early refusals of a long body, and leaves the connection alone", async () => {
    await using setup = await startBytesEngine((request, socket) => {
      if (request.startsWith("POST"))
        socket.end("HTTP/1.1 413 Too large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
    });
    const open = async function* (): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 50; piece++) {
        yield Buffer.alloc(1000);
        await turns(1);
      }
    };
    const body = { lengthBytes: undefined, open };
    const sink = await forward(setup.engine, { body });
    expect(sink.answer?.status).toBe(413);
    expect(sink.text).toBe("big");
    await waitUntil(() => setup.openSockets() === 0, "the connection is closed");
  });

  it("fails running and later requests when it is closed", async () => {
    await using setup = await startBytesEngine(() => {});
    const running = new RecordingProxySink();
    setup.engine.forward(POST, running);
    await waitUntil(() => setup.sockets.length === 1, "the connection");
    setup.engine.close();
    await running.over();
    expect(running.failure).toMatchObject({ code: "unavailable" });
    expect((await forward(setup.engine)).failure).toMatchObject({ code: "unavailable", notStarted: true });
  });
});
