import { describe, expect, it } from "vitest";
import type { ClientSide } from "../src/server/exchange.ts";
import { readRequestBody, type BodyResult } from "../src/server/request-body.ts";
import type { Route, RouteHandler } from "../src/server/route-table.ts";
import { openRaw } from "./raw-http.ts";
import { HTTP_SERVERS, servingOn } from "./serve-routes.ts";

const GET = "GET /x HTTP/1.1\r\nhost: x\r\n\r\n";

function resolvers<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function routeTo(handler: RouteHandler): readonly Route[] {
  return [{ path: "/x", methods: { GET: handler, POST: handler } }];
}

describe.each(HTTP_SERVERS)("Exchange on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  it("writes nothing before the first flush and everything gathered in one piece", async () => {
    const pieces: string[] = [];
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.append("data: a\n\n");
        exchange.append("data: é\n\n");
        expect(exchange.committed).toBe(false);
        expect(exchange.flush("text/event-stream; charset=utf-8")).toBe(true);
        expect(exchange.committed).toBe(true);
        exchange.append("data: end\n\n");
        exchange.endStream("ignored");
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.socket.on("data", (piece: string) => pieces.push(piece));
    raw.send(GET);
    const answer = await raw.received(/\r\n0\r\n\r\n/);

    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/);
    expect(answer).toContain("\r\n13\r\ndata: a\n\ndata: é\n\n\r\n");
    expect(await server.finished(1)).toMatchObject([
      { status: 200, responseBytes: 30, errorCode: undefined },
    ]);
  });

  it("gives an empty stream its head", async () => {
    await using server = await serveRoutes(
      routeTo(({ exchange }) => exchange.endStream("text/event-stream")),
    );
    const response = await fetch(`${server.url}/x`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe("");
  });

  it("sends one answer only", async () => {
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.send(200, "first", {});
        exchange.send(500, "second", {});
        exchange.append("third");
        exchange.endStream("text/plain");
        exchange.setHeader("x-late", "1");
      }),
    );
    const response = await fetch(`${server.url}/x`);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-late")).toBeNull();
    expect(await response.text()).toBe("first");
  });

  it("keeps the connection for the next request", async () => {
    await using server = await serveRoutes(routeTo(({ exchange }) => exchange.send(200, "again", {})));
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    await raw.received(/again/);
    raw.send(GET);
    expect(await raw.received(/again[^]*again/)).toContain("Keep-Alive: timeout=5");
    expect(await server.finished(2)).toHaveLength(2);
  });

  it("tells its listener once that the client left, also one that listens too late", async () => {
    const told: string[] = [];
    let exchange: ClientSide | undefined;
    await using server = await serveRoutes(
      routeTo((scope) => {
        ({ exchange } = scope);
        exchange.listen({ gone: () => told.push("early"), drained: () => undefined });
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    await server.startedCount(1);
    raw.socket.destroy();

    expect(await server.finished(1)).toMatchObject([{ status: 499, errorCode: "client_gone" }]);
    exchange?.listen({ gone: () => told.push("late"), drained: () => undefined });
    expect(told).toEqual(["early", "late"]);
    expect(exchange?.flush("text/plain")).toBe(true);
    exchange?.send(200, "nobody", {});
    exchange?.endStream("text/plain");
    expect(exchange?.committed).toBe(false);
  });

  it("reports the status that was sent when the client leaves during the answer", async () => {
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.append("begun");
        exchange.flush("text/plain");
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    await raw.received(/begun/);
    raw.socket.destroy();
    expect(await server.finished(1)).toMatchObject([{ status: 200, errorCode: "client_gone" }]);
  });

  it("says when the socket is full and when it has room again", async () => {
    let full = false;
    const drained = resolvers<void>();
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.listen({ gone: () => drained.reject(new Error("gone")), drained: () => drained.resolve() });
        const chunk = "x".repeat(1024 * 1024);
        for (let count = 0; count < 64 && !full; count += 1) {
          exchange.append(chunk);
          full = !exchange.flush("text/plain");
        }
        void drained.promise.then(() => exchange.endStream("text/plain"));
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.socket.pause();
    raw.send(GET);
    await server.startedCount(1);
    expect(full).toBe(true);
    raw.socket.resume();
    await drained.promise;
    await raw.received(/\r\n0\r\n\r\n$/);
    expect(await server.finished(1)).toMatchObject([{ status: 200, errorCode: undefined }]);
  });

  it("does not take a connection it cut itself for a client that left", async () => {
    const told: string[] = [];
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.listen({ gone: () => told.push("gone"), drained: () => undefined });
        exchange.sendRawHead(200, ["content-length", "10"]);
        exchange.writeBytes(new TextEncoder().encode("half"));
        setImmediate(() => exchange.destroy());
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    expect(await raw.closed()).toMatch(/half$/);
    expect(await server.finished(1)).toMatchObject([{ status: 200, responseBytes: 4, errorCode: undefined }]);
    expect(told).toEqual([]);
  });

  it("sends a proxied head without waiting for the body, together with headers set before", async () => {
    let end = (): void => undefined;
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.setHeader("x-request-id", "r1");
        exchange.sendRawHead(202, ["Content-Type", "text/x", "x-two", "a", "x-two", "b"]);
        end = () => {
          exchange.writeBytes(new TextEncoder().encode("body"));
          exchange.endStream("");
        };
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET);
    const head = await raw.received(/\r\n\r\n/);
    expect(head).toMatch(/^HTTP\/1\.1 202 /);
    expect(head).toContain("\r\nx-request-id: r1\r\n");
    expect(head).toContain("\r\nContent-Type: text/x\r\n");
    expect(head).toContain("\r\nx-two: a\r\nx-two: b\r\n");
    end();
    expect(await raw.received(/\r\n0\r\n\r\n/)).toContain("body");
  });
});

describe.each(HTTP_SERVERS)("readRequestBody() on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  const readingInto = (results: BodyResult[], limitBytes: number): readonly Route[] =>
    routeTo(async ({ exchange }) => {
      const result = await readRequestBody(exchange.incoming, limitBytes);
      results.push(result);
      exchange.send(result.kind === "body" ? 200 : 413, result.kind, {});
    });

  it("reads a body whole, in pieces, empty, and up to the limit", async () => {
    const results: BodyResult[] = [];
    await using server = await serveRoutes(readingInto(results, 10));
    await fetch(`${server.url}/x`, { method: "POST", body: "0123456789" });
    await fetch(`${server.url}/x`, { method: "POST" });
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await server.startedCount(3);
    raw.send("2\r\nde\r\n0\r\n\r\n");
    await raw.received(/200 OK/);

    const texts = results.map((result) =>
      result.kind === "body" ? new TextDecoder().decode(result.bytes) : result.kind,
    );
    expect(texts).toEqual(["0123456789", "", "abcde"]);
  });

  it("refuses a declared length above the limit before the body arrives", async () => {
    const results: BodyResult[] = [];
    await using server = await serveRoutes(readingInto(results, 10));
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n");
    expect(await raw.received(/too-large/)).toMatch(/^HTTP\/1\.1 413 /);
    expect(results).toEqual([{ kind: "too-large", limitBytes: 10 }]);
  });

  it("refuses an undeclared body as soon as it exceeds the limit", async () => {
    const results: BodyResult[] = [];
    await using server = await serveRoutes(readingInto(results, 10));
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n");
    expect(await raw.received(/too-large/)).toMatch(/^HTTP\/1\.1 413 /);
    raw.send("5\r\nabcde\r\n0\r\n\r\nGET /nothing HTTP/1.1\r\nhost: x\r\n\r\n");
    await raw.received(/404 Not Found/);
  });

  it("ends when the client leaves in the middle of its body", async () => {
    const results: BodyResult[] = [];
    await using server = await serveRoutes(readingInto(results, 1000));
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    await server.startedCount(1);
    raw.socket.destroy();
    await server.finished(1);
    expect(results).toEqual([{ kind: "aborted" }]);
  });

  it("is aborted at once when the client had left before", async () => {
    const result = resolvers<BodyResult>();
    await using server = await serveRoutes(
      routeTo(({ exchange }) => {
        exchange.listen({
          gone: () => {
            setImmediate(() => void readRequestBody(exchange.incoming, 10).then(result.resolve));
          },
          drained: () => undefined,
        });
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
    await server.startedCount(1);
    raw.socket.destroy();
    expect(await result.promise).toEqual({ kind: "aborted" });
  });
});
