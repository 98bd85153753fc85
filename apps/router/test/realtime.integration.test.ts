import { createConnection } from "node:net";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { eventually, startRouter } from "./start-router.ts";
import { startWebSocketWorker } from "./web-socket-worker.ts";

/** What happens to a WebSocket, and its texts. */
interface Heard {
  readonly socket: WebSocket;
  readonly texts: string[];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

function open(url: string): Heard {
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  const texts: string[] = [];
  socket.addEventListener("message", (event) => texts.push(String(event.data)));
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("refused")));
  });
  opened.catch(() => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  return { socket, texts, opened, closed };
}

/** Sends bytes, and gathers the answer until the other side ends it. */
async function rawRequest(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port) }, () => socket.write(text));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => (answer += piece));
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

const UPGRADE =
  "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

describe("WebSocket", () => {
  it("goes through to an HTTP worker in both directions, close codes included", async () => {
    await using worker = await startWebSocketWorker("whisper");
    await using router = await startRouter([worker.url]);
    const { socket, texts, opened, closed } = open(`${router.url}/v1/realtime?model=whisper`);
    await opened;
    const large = "x".repeat(300_000);
    socket.send("hello");
    socket.send(large);
    await eventually("everything was said again", () => texts.length === 2);
    worker.send("from the worker");
    await eventually("the worker is heard", () => texts.length === 3);
    expect(texts).toEqual(["hello", large, "from the worker"]);
    expect(worker.upgrades[0]?.url).toBe("/v1/realtime?model=whisper");
    expect(router.router.inFlight()).toBe(1);
    socket.close(4321, "enough");
    expect(await closed).toEqual({ code: 4321, reason: "enough" });
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    await eventually("the worker's socket is closed", () => worker.openSockets === 0);
    await eventually("it is in the log", () => router.logText().includes('"status":101'));
  });

  it("goes to the worker of the model that the query names", async () => {
    await using first = await startWebSocketWorker("a");
    await using second = await startWebSocketWorker("b");
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([first.url, second.url, `http://${engine.address}`]);
    for (let at = 0; at < 3; at++) {
      const { socket, opened, closed } = open(`${router.url}/v1/realtime?model=b`);
      await opened;
      socket.close();
      await closed;
    }
    expect([first.upgrades.length, second.upgrades.length]).toEqual([0, 3]);
  });

  it("ends on one side when the other side breaks", async () => {
    await using worker = await startWebSocketWorker("m");
    await using router = await startRouter([worker.url]);
    const cut = open(`${router.url}/v1/realtime`);
    await cut.opened;
    worker.cut();
    expect((await cut.closed).code).toBe(1006);
    const stopped = open(`${router.url}/v1/realtime`);
    await stopped.opened;
    await router.router.close(0);
    expect((await stopped.closed).code).toBe(1006);
    await eventually("the worker's socket is closed", () => worker.openSockets === 0);
  });

  it("passes a refusal on, and tries another worker when one cannot be reached", async () => {
    await using dead = await startWebSocketWorker("m");
    await using worker = await startWebSocketWorker("m");
    await using router = await startRouter([dead.url, worker.url], ["--policy", "round_robin"]);
    await dead[Symbol.asyncDispose]();
    for (let at = 0; at < 2; at++) {
      const { socket, opened, closed } = open(`${router.url}/v1/realtime`);
      await opened;
      socket.close();
      await closed;
    }
    expect(worker.upgrades).toHaveLength(2);
    worker.refusal = 403;
    const answer = await rawRequest(router.url, `GET /v1/realtime HTTP/1.1\r\n${UPGRADE}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain("X-Why: test");
    expect(answer).toMatch(/\r\n\r\nno such thing$/);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });

  it("holds a side back when the other one does not read", async () => {
    await using worker = await startWebSocketWorker("m");
    worker.isDeaf = true;
    await using router = await startRouter([worker.url]);
    const { socket, opened } = open(`${router.url}/v1/realtime`);
    await opened;
    const piece = "x".repeat(1024 * 1024);
    for (let at = 0; at < 64; at++) socket.send(piece);
    await eventually("something is under way", () => socket.bufferedAmount < 64 * piece.length);
    // Sockets hold a few MiB on both ways; the rest stays with the client.
    expect(socket.bufferedAmount).toBeGreaterThan(32 * piece.length);
    worker.cut();
  });

  it("is refused where no worker speaks HTTP", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = await rawRequest(router.url, `GET /v1/realtime HTTP/1.1\r\n${UPGRADE}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    const known = await rawRequest(router.url, `GET /version HTTP/1.1\r\n${UPGRADE}\r\n`);
    expect(known).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("leaves requests alone that would rather speak something else", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = '{"prompt":"a","max_tokens":1}';
    const answer = await rawRequest(
      router.url,
      `POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
