import { describe, expect, it } from "vitest";
import type { ClientSide } from "../src/server/exchange.ts";
import type { Route } from "../src/server/route-table.ts";
import { openRaw } from "./raw-http.ts";
import { servingOn } from "./serve-routes.ts";
import { unchunked } from "./unchunked.ts";

const SSE = "text/event-stream";
const GET = "GET /x HTTP/1.1\r\nhost: x\r\n\r\n";
const LAST_GET = "GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

function routeTo(handle: (exchange: ClientSide) => void): readonly Route[] {
  return [{ path: "/x", methods: { GET: ({ exchange }) => handle(exchange) } }];
}

function bodiesOf(text: string): readonly string[] {
  const answers = text.split("HTTP/1.1 200 OK\r\n").slice(1);
  return answers.map((answer) => unchunked(answer.slice(answer.indexOf("\r\n\r\n") + 4)));
}

describe("requests sent ahead, on net", () => {
  const serveRoutes = servingOn("net");

  it("are served one after the other", async () => {
    const exchanges: ClientSide[] = [];
    await using server = await serveRoutes(routeTo((exchange) => void exchanges.push(exchange)));
    using raw = await openRaw(server.listener.port);
    raw.send(GET + GET + LAST_GET);
    await server.startedCount(1);
    for (let number = 1; number <= 3; number++) {
      await server.startedCount(number);
      expect(exchanges).toHaveLength(number);
      const exchange = exchanges[number - 1];
      exchange?.append(`${number} begun `);
      exchange?.flush(SSE);
      exchange?.append(`${number} ended`);
      exchange?.endStream(SSE);
    }
    expect(bodiesOf(await raw.closed())).toEqual(["1 begun 1 ended", "2 begun 2 ended", "3 begun 3 ended"]);
  });

  it("are held within a bound and all answered", async () => {
    const waiting: ClientSide[] = [];
    await using server = await serveRoutes(routeTo((exchange) => void waiting.push(exchange)));
    using raw = await openRaw(server.listener.port);
    const filler = `x-filler: ${"y".repeat(10_000)}\r\n`;
    raw.send(`GET /x HTTP/1.1\r\nhost: x\r\n${filler}\r\n`.repeat(999) + LAST_GET);
    for (let number = 1; number <= 1_000; number++) {
      await server.startedCount(number);
      waiting[number - 1]?.send(200, "", {});
    }
    expect((await raw.closed()).split("HTTP/1.1 200 OK").length - 1).toBe(1_000);
  });

  it("are forgotten when the client leaves", async () => {
    const gone: string[] = [];
    await using server = await serveRoutes(
      routeTo((exchange) => exchange.listen({ gone: () => gone.push("gone"), drained: () => undefined })),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET + GET + GET);
    await server.startedCount(1);
    raw.socket.destroy();
    await server.finished(1);
    expect(gone).toEqual(["gone"]);
    expect(server.started).toHaveLength(1);
    expect(server.listener.running).toBe(0);
  });
});

describe("requests sent ahead, on node", () => {
  const serveRoutes = servingOn("node");

  it("hears that the client of a pipelined request left", async () => {
    const gone: number[] = [];
    let requests = 0;
    await using server = await serveRoutes(
      routeTo((exchange) => {
        const number = (requests += 1);
        exchange.listen({ gone: () => gone.push(number), drained: () => undefined });
      }),
    );
    using raw = await openRaw(server.listener.port);
    raw.send(GET + GET + GET);
    await server.startedCount(3);
    raw.socket.destroy();
    await server.finished(3);
    expect(gone.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  it("keeps the answers of pipelined requests apart", async () => {
    const exchanges: ClientSide[] = [];
    await using server = await serveRoutes(routeTo((exchange) => void exchanges.push(exchange)));
    using raw = await openRaw(server.listener.port);
    raw.send("GET /x HTTP/1.1\r\nhost: x\r\n\r\nGET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    await server.startedCount(2);
    const [first, second] = exchanges;
    second?.append("second 1 ");
    second?.flush(SSE);
    first?.append("first 1 ");
    first?.flush(SSE);
    second?.append("second 2");
    second?.flush(SSE);
    first?.append("first 2");
    first?.endStream(SSE);
    second?.endStream(SSE);
    const answers = (await raw.closed()).split("HTTP/1.1 200 OK\r\n").slice(1);
    const bodies = answers.map((answer) => unchunked(answer.slice(answer.indexOf("\r\n\r\n") + 4)));
    expect(bodies).toEqual(["first 1 first 2", "second 1 second 2"]);
  });
});
