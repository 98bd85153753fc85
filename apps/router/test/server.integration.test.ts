import { ApiError } from "@vllm-router/api";
import { describe, expect, it } from "vitest";
import { SystemTimers } from "../src/fleet/timers.ts";
import { combineObservers } from "../src/observability/router-observer.ts";
import { createApp } from "../src/server/app.ts";
import { listen } from "../src/server/listen.ts";
import type { Route } from "../src/server/route-table.ts";
import { openRaw } from "./raw-http.ts";
import { HTTP_SERVERS, servingOn } from "./serve-routes.ts";

const GLOBALS = { Request: globalThis.Request, Response: globalThis.Response };

const ROUTES: readonly Route[] = [
  { path: "/health", methods: { GET: ({ exchange }) => exchange.send(200, "", {}) } },
  {
    path: "/v1/things",
    methods: {
      POST: ({ exchange }) => exchange.sendJson(200, '{"posted":true}'),
      GET: ({ exchange }) => exchange.sendJson(200, '{"got":true}'),
    },
  },
  {
    path: "/fails",
    methods: {
      GET: () => {
        throw new ApiError({ status: 429, type: "TooMany", message: "slow down" });
      },
      POST: () => Promise.reject(new Error("secret detail")),
    },
  },
  {
    path: "/fails-late",
    methods: {
      GET: ({ exchange }) => {
        exchange.append("begun");
        exchange.flush("text/plain");
        throw new Error("too late");
      },
    },
  },
];

describe.each(HTTP_SERVERS)("createApp() on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  it("answers a route with its body, length and type", async () => {
    await using server = await serveRoutes(ROUTES);
    const response = await fetch(`${server.url}/v1/things`);

    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("content-length")).toBe("12");
    expect(response.headers.get("x-request-id")).toBeNull();
    expect(await response.text()).toBe('{"got":true}');
    expect(await server.finished(1)).toMatchObject([
      { route: "/v1/things", method: "GET", status: 200, responseBytes: 12 },
    ]);
    expect(server.started).toEqual(["/v1/things"]);
    expect(globalThis.Request).toBe(GLOBALS.Request);
    expect(globalThis.Response).toBe(GLOBALS.Response);
  });

  it("answers an unknown path with FastAPI's 404 and counts it under one name", async () => {
    await using server = await serveRoutes(ROUTES);
    for (const path of ["/v1/nothing", "/V1/things", "/v1//things", "/"]) {
      const response = await fetch(`${server.url}${path}`, { method: "POST", body: "{}" });
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.text()).toBe('{"detail":"Not Found"}');
    }
    expect(new Set(server.started)).toEqual(new Set(["none"]));
  });

  it("answers a wrong verb with 405 and the verbs there are", async () => {
    await using server = await serveRoutes(ROUTES);
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await fetch(`${server.url}/v1/things`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, POST");
      expect(await response.text()).toBe('{"detail":"Method Not Allowed"}');
    }
  });

  it("answers HEAD with 405 and no body, and the connection stays usable", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("HEAD /health HTTP/1.1\r\nhost: x\r\n\r\n");
    const head = await raw.received(/\r\n\r\n/);
    expect(head).toMatch(/^HTTP\/1\.1 405 /);
    expect(head).toContain("\r\nallow: GET\r\n");
    raw.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.received(/200 OK/)).not.toContain('Method Not Allowed"');
  });

  it("redirects a trailing slash to the route, keeping the query", async () => {
    await using server = await serveRoutes(ROUTES);
    const response = await fetch(`${server.url}/v1/things/?a=b`, { redirect: "manual" });
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toBe(`${server.url}/v1/things?a=b`);
    expect(await response.text()).toBe("");
    const escaped = await fetch(`${server.url}/v1/things%2F`, { redirect: "manual" });
    expect([escaped.status, escaped.headers.get("location")]).toEqual([307, `${server.url}/v1/things`]);
    expect((await fetch(`${server.url}/v1/nothing/`)).status).toBe(404);
    expect((await fetch(`${server.url}/v1/things/`, { method: "POST", body: "{}" })).status).toBe(200);
  });

  it("serves under the root path and without it", async () => {
    await using server = await serveRoutes(ROUTES, { rootPath: "/api/" });
    expect((await fetch(`${server.url}/api/v1/things`)).status).toBe(200);
    expect((await fetch(`${server.url}/v1/things`)).status).toBe(200);
    expect((await fetch(`${server.url}/apiv1/things`)).status).toBe(404);
    const response = await fetch(`${server.url}/api/v1/things/`, { redirect: "manual" });
    expect(response.headers.get("location")).toBe(`${server.url}/api/v1/things`);
  });

  it("finds a percent-encoded path", async () => {
    await using server = await serveRoutes(ROUTES);
    expect((await fetch(`${server.url}/v1/%74hings`)).status).toBe(200);
  });

  // Recorded from vLLM 0.32.0.
  it("refuses a preflight as vLLM does", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send(
      "OPTIONS /v1/things HTTP/1.1\r\nhost: x\r\norigin: http://example.org\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type\r\nconnection: close\r\n\r\n",
    );
    const answer = await raw.closed();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(
      "\r\naccess-control-allow-methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY\r\n",
    );
    expect(answer).toContain("\r\naccess-control-max-age: 600\r\n");
    expect(answer).toContain("\r\naccess-control-allow-headers: content-type\r\n");
    expect(answer).toContain("\r\ncontent-type: text/plain; charset=utf-8\r\n");
    expect(answer).toMatch(/\r\n\r\nDisallowed CORS origin$/);
  });

  it("echoes or invents a request id when asked to", async () => {
    await using server = await serveRoutes(ROUTES, {
      sendsRequestId: true,
      requestIdHeaders: ["X-Request-Id", "X-Trace-Id"],
    });
    const idOf = async (headers: Record<string, string>): Promise<string | null> =>
      (await fetch(`${server.url}/v1/things`, { headers })).headers.get("x-request-id");
    expect(await idOf({ "x-request-id": "mine" })).toBe("mine");
    expect(await idOf({ "x-trace-id": "trace" })).toBe("trace");
    expect(await idOf({})).toMatch(/^[0-9a-f]{32}$/);
    expect((await fetch(`${server.url}/nothing`)).headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("answers a thrown ApiError with its body and tells when to come back", async () => {
    await using server = await serveRoutes(ROUTES);
    const response = await fetch(`${server.url}/fails`);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toEqual({
      error: { message: "slow down", type: "TooMany", param: null, code: 429 },
    });
    expect(await server.finished(1)).toMatchObject([{ status: 429, errorCode: "invalid_request" }]);
    expect(server.internalErrors).toEqual([]);
  });

  it("answers a bug with a 500 that gives nothing away", async () => {
    await using server = await serveRoutes(ROUTES);
    const response = await fetch(`${server.url}/fails`, { method: "POST", body: "{}" });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(server.internalErrors).toMatchObject([{ message: "secret detail" }]);
    expect(await server.finished(1)).toMatchObject([{ status: 500, errorCode: "internal" }]);
  });

  it("cuts the connection when a handler fails in the middle of its answer", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /fails-late HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.closed()).not.toContain("\r\n0\r\n\r\n");
    expect(await server.finished(1)).toMatchObject([{ errorCode: "internal" }]);
  });

  it("serves HTTP/1.0 without a host", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /v1/things HTTP/1.0\r\n\r\n");
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 200 OK[^]*\{"got":true\}$/);
  });
});

describe.each(HTTP_SERVERS)("listen() on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  it("refuses more headers than vLLM takes instead of dropping some", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    const headers = Array.from({ length: 257 }, (_, index) => `x-h${index}: 1\r\n`).join("");
    raw.send(`GET /health HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("takes large headers", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send(`GET /health HTTP/1.1\r\nhost: x\r\nx-big: ${"a".repeat(1_000_000)}\r\n\r\n`);
    expect(await raw.received(/HTTP/)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("says which flag to change when the port is taken", async () => {
    await using server = await serveRoutes(ROUTES);
    await expect(
      listen(createApp({ routes: [], observer: combineObservers([]), now: () => 0 }), {
        host: "127.0.0.1",
        port: server.listener.port,
        timers: new SystemTimers(),
        flags: { host: "--prometheus-host", port: "--prometheus-port" },
      }),
    ).rejects.toMatchObject({
      code: "listen",
      message: `port ${server.listener.port} on 127.0.0.1 is already in use. Stop the program that listens there, or choose another port with --prometheus-port.`,
    });
  });

  it("answers on every one of its sockets, and lets go of all of them", async () => {
    await using server = await serveRoutes(ROUTES);
    const { port } = server.listener;
    const connections = await Promise.all(Array.from({ length: 100 }, () => openRaw(port)));
    for (const connection of connections) {
      connection.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    }
    for (const connection of connections) {
      expect(await connection.received(/HTTP/)).toMatch(/^HTTP\/1\.1 200 /);
    }
    await server.listener.close();
    await Promise.all(connections.map((connection) => connection.closed()));
    for (let attempt = 0; attempt < 40; attempt++) {
      await expect(openRaw(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }
  });

  it("says so when the host is not this machine", async () => {
    await expect(
      listen(createApp({ routes: [], observer: combineObservers([]), now: () => 0 }), {
        host: "192.0.2.1",
        port: 0,
        timers: new SystemTimers(),
      }),
    ).rejects.toMatchObject({ code: "listen", message: expect.stringContaining("--host") as string });
  });

  it("drains: takes no new connection, closes idle ones, lets running answers end", async () => {
    let release = (): void => undefined;
    const slow: Route = {
      path: "/slow",
      methods: {
        GET: async ({ exchange }) => {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          exchange.send(200, "late", {});
        },
      },
    };
    await using server = await serveRoutes([...ROUTES, slow]);
    using idle = await openRaw(server.listener.port);
    idle.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    await idle.received(/200 OK/);
    using busy = await openRaw(server.listener.port);
    busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    await server.startedCount(2);

    const drained = server.listener.drain(5_000);
    await idle.closed();
    await expect(openRaw(server.listener.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(server.listener.running).toBe(1);
    release();
    const answer = await busy.closed();
    expect(answer).toContain("\r\nConnection: close\r\n");
    expect(answer).toMatch(/late$/);
    expect(await drained).toBe(0);
    expect(server.listener.running).toBe(0);
  });

  it("drains a stream that had begun and whose connection was meant to stay", async () => {
    let end = (): void => undefined;
    const stream: Route = {
      path: "/stream",
      methods: {
        GET: ({ exchange }) => {
          exchange.append("first ");
          exchange.flush("text/plain");
          end = () => {
            exchange.append("last");
            exchange.endStream("text/plain");
          };
        },
      },
    };
    await using server = await serveRoutes([stream]);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    await raw.received(/first/);
    const drained = server.listener.drain(5_000);
    end();
    expect(await raw.closed()).toMatch(/last\r\n0\r\n\r\n$/);
    expect(await drained).toBe(0);
  });

  it("cuts off what has not ended when the time is over", async () => {
    const never: Route = { path: "/never", methods: { GET: () => undefined } };
    await using server = await serveRoutes([never]);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n");
    await server.startedCount(1);
    const drained = server.listener.drain(10);
    expect(await drained).toBe(1);
    await raw.closed();
    expect(await server.finished(1)).toMatchObject([{ status: 499, errorCode: "client_gone" }]);
  });
});
