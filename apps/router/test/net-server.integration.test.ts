import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { combineObservers } from "../src/observability/router-observer.ts";
import { createApp } from "../src/server/app.ts";
import type { ClientSide } from "../src/server/exchange.ts";
import { listen } from "../src/server/listen.ts";
import { readRequestBody } from "../src/server/request-body.ts";
import type { Route } from "../src/server/route-table.ts";
import { createFakeTimers } from "./fake-timers.ts";
import { openRaw } from "./raw-http.ts";
import { servingOn } from "./serve-routes.ts";

const GET = "GET /x HTTP/1.1\r\nhost: x\r\n\r\n";

/** A server of ours whose time passes when told. */
async function serveOnFakeTime(handle: (exchange: ClientSide) => void): Promise<{
  readonly port: number;
  readonly running: () => number;
  readonly timers: ReturnType<typeof createFakeTimers>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const timers = createFakeTimers();
  const route: Route = {
    path: "/x",
    methods: { GET: ({ exchange }) => handle(exchange), POST: ({ exchange }) => handle(exchange) },
  };
  const app = createApp({ routes: [route], observer: combineObservers([]), now: () => timers.steadyMs() });
  const listener = await listen(app, { host: "127.0.0.1", port: 0, timers, httpServer: "net" });
  return {
    port: listener.port,
    running: () => listener.running,
    timers,
    [Symbol.asyncDispose]: async () => void (await listener.close()),
  };
}

describe("patience of the server on net", () => {
  it("ends with a head that does not come to its end", async () => {
    await using server = await serveOnFakeTime(() => undefined);
    using raw = await openRaw(server.port);
    raw.send("GET /x HTTP/1.1\r\nhost: ");
    while (server.timers.size === 0) {
      await server.timers.advance(0);
    }
    for (let second = 0; second < 59; second++) {
      raw.send("x");
      await server.timers.advance(1_000);
    }
    expect(raw.socket.readyState).toBe("open");
    await server.timers.advance(2_000);
    expect(await raw.closed()).toBe("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
  });

  it("ends with a body that does not come to its end", async () => {
    const results: string[] = [];
    await using server = await serveOnFakeTime((exchange) => {
      void readRequestBody(exchange.incoming, 100).then(({ kind }) => results.push(kind));
    });
    using raw = await openRaw(server.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    while (server.running() === 0) {
      await server.timers.advance(0);
    }
    await server.timers.advance(299_000);
    expect(results).toEqual([]);
    await server.timers.advance(2_000);
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 408 /);
    expect(results).toEqual(["aborted"]);
    expect(server.running()).toBe(0);
  });

  it("does not end while an answer is being made, and lasts a little more than the five seconds told after it", async () => {
    let answer = (): void => undefined;
    await using server = await serveOnFakeTime((exchange) => {
      answer = () => exchange.send(200, "late", {});
    });
    using raw = await openRaw(server.port);
    raw.send(GET);
    while (server.running() === 0) {
      await server.timers.advance(0);
    }
    await server.timers.advance(3_600_000);
    answer();
    await raw.received(/late$/);
    await server.timers.advance(5_000);
    expect(raw.socket.readyState).toBe("open");
    await server.timers.advance(2_000);
    expect(await raw.closed()).toMatch(/late$/);
    expect(server.timers.size).toBe(0);
  });

  it("ends with a client that was refused and does not go", async () => {
    await using server = await serveOnFakeTime(() => undefined);
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("nonsense\r\n\r\n");
    await new Promise<void>((resolve) => void socket.once("end", () => resolve()));
    await server.timers.advance(7_000);
    expect(server.timers.size).toBe(0);
    socket.destroy();
    await closed;
  });

  it("ends with a connection that says nothing at all", async () => {
    await using server = await serveOnFakeTime(() => undefined);
    using raw = await openRaw(server.port);
    while (server.timers.size === 0) {
      await server.timers.advance(0);
    }
    await server.timers.advance(61_000);
    expect(await raw.closed()).toBe("");
  });
});

describe("answers of the server on net", () => {
  const serveRoutes = servingOn("net");
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const answering = (handle: (exchange: ClientSide) => void): readonly Route[] => [
    { path: "/x", methods: { GET: ({ exchange }) => handle(exchange) } },
  ];

  it.each([
    ["shorter", "half"],
    ["longer", "far too long"],
  ])("are cut when a body is %s than its head promised", async (_, body) => {
    await using server = await serveRoutes(
      answering((exchange) => {
        exchange.sendRawHead(200, ["content-length", "8"]);
        exchange.writeBytes(bytes(body));
        exchange.endStream("");
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET + GET);
    const text = await raw.closed();
    expect(text.split("HTTP/1.1").length).toBeLessThanOrEqual(2);
    expect(await server.finished(1)).toHaveLength(1);
    expect(server.listener.running).toBe(0);
  });

  it.each([
    ["a line break", "a\r\nset-cookie: b"],
    ["a null", "a\u0000"],
    ["a letter beyond latin1", "\u6f22"],
  ])("have no header with %s in it", async (_, value) => {
    await using server = await serveRoutes(
      answering((exchange) => exchange.send(200, "body", { "x-bad": value })),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    expect(await raw.closed()).not.toContain("set-cookie");
    expect(server.internalErrors).toMatchObject([{ name: "RouterError", code: "internal" }]);
  });

  it("carry text of every alphabet behind a header that is not ASCII", async () => {
    await using server = await serveRoutes(
      answering((exchange) => exchange.send(200, "\u6f22\u00e9", { "x-name": "caf\u00e9" })),
    );
    const response = await fetch(`${server.url}/x`);
    expect(response.headers.get("x-name")).toBe("caf\u00e9");
    expect(await response.text()).toBe("\u6f22\u00e9");
  });

  it("have no body where there is to be none", async () => {
    await using server = await serveRoutes(
      answering((exchange) => {
        exchange.sendRawHead(204, ["x-a", "1"]);
        exchange.writeBytes(bytes("nothing"));
        exchange.endStream("");
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    const head = await raw.received(/\r\n\r\n/);
    expect(head).not.toMatch(/transfer-encoding|nothing/i);
    raw.send("GET /none HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.received(/404/)).toContain('{"detail":"Not Found"}');
  });

  it("close a connection whose client still waits for a word", async () => {
    await using server = await serveRoutes([
      { path: "/x", methods: { POST: ({ exchange }) => exchange.send(413, "no", {}) } },
    ]);
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 413 /);
  });
});
