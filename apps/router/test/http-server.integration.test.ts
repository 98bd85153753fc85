import { describe, expect, it, vi } from "vitest";
import { SocketWriter } from "../src/server/net/socket-writer.ts";
import { readRequestBody } from "../src/server/request-body.ts";
import type { Route } from "../src/server/route-table.ts";
import { openRaw } from "./raw-http.ts";
import { HTTP_SERVERS, servingOn } from "./serve-routes.ts";

const LIMIT_BYTES = 1_000_000;

/** Answers with what it was sent. */
const ECHO: Route = {
  path: "/echo",
  methods: {
    POST: async ({ exchange }) => {
      const result = await readRequestBody(exchange.incoming, LIMIT_BYTES);
      exchange.send(200, result.kind === "body" ? Buffer.from(result.bytes) : result.kind, {});
    },
    GET: ({ exchange }) => exchange.send(200, "got", {}),
  },
};

/** Answers without a look at the body. */
const DEAF: Route = { path: "/deaf", methods: { POST: ({ exchange }) => exchange.send(200, "deaf", {}) } };

const ROUTES = [ECHO, DEAF];

/** Requests that nobody may guess at: each is refused, and what follows on the connection is not read. */
const MALFORMED: readonly (readonly [string, string])[] = [
  ["no HTTP", "Hello?\r\n\r\n"],
  ["lines without CR", "GET /echo HTTP/1.1\nhost: x\n\n"],
  ["no host", "GET /echo HTTP/1.1\r\n\r\n"],
  ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  [
    "a length and chunks",
    "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["two lengths", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd"],
  ["a length that is no number", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: four\r\n\r\nabcd"],
  ["a blank before the colon", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length : 4\r\n\r\nabcd"],
  ["a null byte in a header", "GET /echo HTTP/1.1\r\nhost: x\r\na: \u0000\r\n\r\n"],
  ["a chunk without a size", "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"],
  [
    "a chunk that goes on too long",
    "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
  ],
];

describe.each(HTTP_SERVERS)("an HTTP server on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  it.each(MALFORMED)("refuses %s", async (_, text) => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send(`${text}GET /echo HTTP/1.1\r\nhost: x\r\n\r\n`);
    const answer = await raw.closed();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/);
    expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
    expect(server.listener.running).toBe(0);
  });

  it("lets a client go on that waits for a word", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    expect(await raw.received(/\r\n\r\n/)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("body");
    expect(await raw.received(/body$/)).toContain("\r\n\r\nHTTP/1.1 200 OK\r\n");
  });

  it("keeps a connection of HTTP/1.0 when asked to, and no other", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /echo HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    expect(await raw.received(/got$/)).toContain("\r\nConnection: keep-alive\r\n");
    raw.send("GET /echo HTTP/1.0\r\n\r\n");
    expect(await raw.closed()).toMatch(/got[^]*\r\nConnection: close\r\n[^]*got$/);
  });

  it("closes when the client says that it is the last request", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /echo HTTP/1.1\r\nhost: x\r\nConnection: Close\r\n\r\n");
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*got$/);
  });

  it("reads over a body that nobody wanted, and serves the next request", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    const body = "z".repeat(400_000);
    raw.send(`POST /deaf HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`);
    await raw.received(/deaf$/);
    raw.send(`${body}GET /echo HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(await raw.received(/got$/)).toMatch(/deaf[^]*got$/);
  });

  it("takes a body however it is cut", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    const text =
      "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    for (const letter of text) {
      raw.send(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await raw.received(/abcdefg$/)).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("takes a client that ends its side for one that left", async () => {
    const gone: string[] = [];
    const never: Route = {
      path: "/never",
      methods: {
        GET: ({ exchange }) => exchange.listen({ gone: () => gone.push("gone"), drained: () => undefined }),
      },
    };
    await using server = await serveRoutes([never]);
    using raw = await openRaw(server.listener.port);
    raw.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n");
    await server.startedCount(1);
    raw.socket.end();
    expect(await raw.closed()).toBe("");
    expect(await server.finished(1)).toMatchObject([{ errorCode: "client_gone" }]);
    expect(gone).toEqual(["gone"]);
  });

  it("gives a name that is said again as one list", async () => {
    const names = ["host", "authorization", "x-a", "cookie", "set-cookie", "__proto__", "constructor"];
    const headers: (readonly [string, string | undefined])[] = [];
    const look: Route = {
      path: "/look",
      methods: {
        GET: ({ exchange }) => {
          headers.push(...names.map((name) => [name, exchange.header(name)] as const));
          exchange.send(200, "", {});
        },
      },
    };
    await using server = await serveRoutes([look]);
    using raw = await openRaw(server.listener.port);
    raw.send(
      "GET /look HTTP/1.1\r\nHost: x\r\nAuthorization: one\r\nauthorization: two\r\nX-A: 1\r\nx-a: 2\r\ncookie: a\r\ncookie: b\r\nset-cookie: c\r\n__proto__: d\r\nconnection: close\r\n\r\n",
    );
    await raw.closed();
    expect(headers).toEqual([
      ["host", "x"],
      ["authorization", "one"],
      ["x-a", "1, 2"],
      ["cookie", "a; b"],
      ["set-cookie", "c"],
      ["__proto__", httpServer === "net" ? "d" : undefined],
      ["constructor", undefined],
    ]);
  });

  it("answers a target that is no address, and one with a host in it", async () => {
    await using server = await serveRoutes(ROUTES);
    using raw = await openRaw(server.listener.port);
    raw.send("OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 400 /);
    using other = await openRaw(server.listener.port);
    other.send("GET http://x/echo?a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(await other.closed()).toMatch(/^HTTP\/1\.1 200 [^]*got$/);
  });
});

describe("an HTTP server on net", () => {
  it("says how long the work is that texts for other clients should not wait for", async () => {
    await using server = await servingOn("net")(ROUTES);
    const beforeRead = vi.spyOn(SocketWriter.prototype, "beforeRead");
    using raw = await openRaw(server.listener.port);
    const head = "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    raw.send(head);
    await raw.received(/\r\n\r\n/);
    raw.send("body");
    await raw.received(/body$/);
    raw.send(head);
    await raw.received(/Continue\r\n\r\n$/);
    expect(beforeRead.mock.calls).toEqual([[head.length], [Number.POSITIVE_INFINITY], [head.length]]);
  });
});
