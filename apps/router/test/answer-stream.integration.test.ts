import { describe, expect, it } from "vitest";
import type { ClientSide } from "../src/server/exchange.ts";
import type { Route } from "../src/server/route-table.ts";
import { openRaw } from "./raw-http.ts";
import { HTTP_SERVERS, servingOn } from "./serve-routes.ts";
import { unchunked } from "./unchunked.ts";

const SSE = "text/event-stream";

function routeTo(handle: (exchange: ClientSide) => void): readonly Route[] {
  return [{ path: "/x", methods: { GET: ({ exchange }) => handle(exchange) } }];
}

async function bodyOf(
  port: number,
  request = "GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
): Promise<string> {
  using raw = await openRaw(port);
  raw.send(request);
  const answer = await raw.closed();
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

describe.each(HTTP_SERVERS)("a streamed answer on %s", (httpServer) => {
  const serveRoutes = servingOn(httpServer);

  it("frames text of every alphabet, each flush as a chunk of its own", async () => {
    const pieces = [
      "data: a\n\n",
      "data: \u00e9\u00ff\n\n",
      "data: \u6f22\n\n",
      "data: \ud83d\ude00\n\n",
      "x".repeat(70_000),
    ];
    await using server = await serveRoutes(
      routeTo((exchange) => {
        for (const piece of pieces) {
          exchange.append(piece);
          exchange.flush(SSE);
        }
        exchange.append("data: [DONE]\n\n");
        exchange.endStream(SSE);
      }),
    );
    const body = await bodyOf(server.listener.port);
    expect(unchunked(body)).toBe(`${pieces.join("")}data: [DONE]\n\n`);
    expect(body.startsWith("9\r\ndata: a\n\n\r\n")).toBe(true);
    const [summary] = await server.finished(1);
    expect(summary?.responseBytes).toBe(Buffer.byteLength(`${pieces.join("")}data: [DONE]\n\n`));
  });

  it("counts bytes where only a part of what leaves together is known to be ASCII", async () => {
    await using server = await serveRoutes(
      routeTo((exchange) => {
        exchange.append("data: a\n\n", true);
        exchange.append("data: \u6f22\n\n");
        exchange.append("", false);
        exchange.append("data: b\n\n", true);
        exchange.flush(SSE);
        exchange.append("data: c\n\n", true);
        exchange.flush(SSE);
        exchange.append("data: \u00e9\n\n");
        exchange.endStream(SSE);
      }),
    );
    const body = await bodyOf(server.listener.port);
    expect(body).toBe(
      "1d\r\ndata: a\n\ndata: \u6f22\n\ndata: b\n\n\r\n9\r\ndata: c\n\n\r\na\r\ndata: \u00e9\n\n\r\n0\r\n\r\n",
    );
  });

  it("passes bytes on although their buffer is used again, however large", async () => {
    const sizes = [1, 100, 16 * 1024, 16 * 1024 + 1, 300_000];
    await using server = await serveRoutes(
      routeTo((exchange) => {
        exchange.sendRawHead(200, ["content-type", "text/plain"]);
        const buffer = Buffer.alloc(300_000);
        sizes.forEach((size, index) => {
          buffer.fill(97 + index, 0, size);
          exchange.writeBytes(buffer.subarray(0, size));
          buffer.fill(0);
          if (index % 2 === 0) {
            exchange.flushBytes();
          }
        });
        exchange.endStream("");
      }),
    );
    const expected = sizes.map((size, index) => String.fromCharCode(97 + index).repeat(size)).join("");
    expect(unchunked(await bodyOf(server.listener.port))).toBe(expected);
  });

  it("passes on what is framed already where the body leaves in chunks, although its buffer is used again", async () => {
    const sizes = [1, 100, 16 * 1024, 16 * 1024 + 1, 60_000];
    const framed = sizes.map((size, index) => {
      const content = String.fromCharCode(97 + index).repeat(size);
      return `${size.toString(16).toUpperCase()}\r\n${content}\r\n01\r\n,\r\n`;
    });
    await using server = await serveRoutes(
      routeTo((exchange) => {
        expect(exchange.passesChunks).toBe(false);
        exchange.sendRawHead(200, ["content-type", "text/plain"]);
        if (!exchange.passesChunks) {
          exchange.endStream("");
          return;
        }
        const bytes = Buffer.alloc(100_000);
        framed.forEach((text, index) => {
          const end = 7 + bytes.write(text, 7, "latin1");
          exchange.writeChunks({ bytes, start: 7, end, contentBytes: (sizes[index] ?? 0) + 1 });
          bytes.fill(0);
          if (index % 2 === 0) {
            exchange.flushBytes();
          }
        });
        exchange.endStream("");
      }),
    );
    const expected = httpServer === "net" ? framed.join("") : "";
    expect(await bodyOf(server.listener.port)).toBe(`${expected}0\r\n\r\n`);
    // A client of HTTP/1.0 knows no chunks.
    expect(await bodyOf(server.listener.port, "GET /x HTTP/1.0\r\n\r\n")).toBe("");
    const [summary] = await server.finished(1);
    expect(summary?.responseBytes).toBe(
      httpServer === "net" ? sizes.reduce((sum, size) => sum + size + 1, 0) : 0,
    );
  });

  it("knows that a client of HTTP/1.0 does not know chunks", async () => {
    await using server = await serveRoutes(
      routeTo((exchange) => {
        exchange.append("one ");
        exchange.flush(SSE);
        exchange.writeBytes(Buffer.from("two "));
        exchange.append("three");
        exchange.endStream(SSE);
      }),
    );
    expect(await bodyOf(server.listener.port, "GET /x HTTP/1.0\r\n\r\n")).toBe("one two three");
  });

  it("says when the client reads on, and uses the connection for the next answer", async () => {
    let drained = 0;
    await using server = await serveRoutes(
      routeTo((exchange) => {
        let pieces = 0;
        const write = (): void => {
          while (pieces < 100) {
            pieces++;
            exchange.append("y".repeat(100_000));
            if (!exchange.flush(SSE)) {
              return;
            }
          }
          exchange.endStream(SSE);
        };
        exchange.listen({
          gone: () => undefined,
          drained: () => {
            drained++;
            write();
          },
        });
        write();
      }),
    );
    for (let round = 0; round < 3; round++) {
      const response = await fetch(`${server.url}/x`);
      expect((await response.text()).length).toBe(10_000_000);
    }
    expect(drained).toBeGreaterThan(0);
  });
});
