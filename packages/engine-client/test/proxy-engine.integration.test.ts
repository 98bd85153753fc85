import type { IncomingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import {
  connectEngine,
  type EngineError,
  type HttpEngineConnection,
  type ProxyHead,
  type ProxyRequest,
  type ProxySink,
} from "../src/index.ts";
import { type HttpEngine, startHttpEngine } from "./http-engine.ts";
import { turns, waitUntil } from "./wait-until.ts";

type Event = "head" | "data" | "flush" | "end" | "error";

class RecordingProxySink implements ProxySink {
  readonly kinds: Event[] = [];
  readonly pieces: Buffer[] = [];
  answer: ProxyHead | undefined;
  failure: EngineError | undefined;
  onEvent: ((event: Event) => void) | undefined;

  head(head: ProxyHead): void {
    this.answer = head;
    this.#keep("head");
  }
  data(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
    this.#keep("data");
  }
  flush(): void {
    this.#keep("flush");
  }
  end(): void {
    this.#keep("end");
  }
  error(error: EngineError): void {
    this.failure = error;
    this.#keep("error");
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  async over(): Promise<void> {
    await waitUntil(() => this.kinds.includes("end") || this.kinds.includes("error"), "end or error");
  }

  #keep(event: Event): void {
    this.kinds.push(event);
    this.onEvent?.(event);
  }
}

async function start(
  handle: RequestListener,
): Promise<{ engine: HttpEngine; connection: HttpEngineConnection } & AsyncDisposable> {
  const engine = await startHttpEngine(handle);
  const connection = connectEngine({ dialect: "http", address: engine.address, secure: false });
  if (connection.dialect !== "http") throw new Error(connection.dialect);
  return {
    engine,
    connection,
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await waitUntil(() => engine.openSockets === 0, "no open socket");
      engine.kill();
    },
  };
}

const POST: ProxyRequest = {
  method: "POST",
  path: "/v1/completions?x=1",
  headers: ["Content-Type", "application/json", "X-Request-Id", "7", "Host", "router", "Connection", "close"],
  body: Buffer.from('{"model": "m"}'),
  deadlineAtMs: undefined,
};

describe("forward()", () => {
  it("passes request and answer on as they are, but for hop-by-hop headers", async () => {
    let seen: { url: string | undefined; headers: IncomingHttpHeaders; body: string } | undefined;
    await using setup = await start((request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
    await using setup = await start((_request, response) => {
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
});

describe("HTTP admin calls", () => {
  const listener: RequestListener = (request, response) => {
    switch (request.url) {
      case "/v1/models":
        response.end(
          '{"object":"list","data":[{"id":"m","root":"/m","parent":null,"max_model_len":2048},{"id":"l","parent":"m"}]}',
        );
        break;
      case "/version":
        response.end('{"version":"0.32.0"}');
        break;
      case "/metrics":
        response.end("vllm:num_requests_running 3\n");
        break;
      case "/health":
        response.writeHead(503).end();
        break;
      default:
        response.writeHead(404).end();
    }
  };

  it("read health, models, version and metrics", async () => {
    await using setup = await start(listener);
    const { admin } = setup.connection;
    expect(await admin.health()).toBe(503);
    expect(await admin.models()).toEqual([
      { id: "m", root: "/m", parent: undefined, maxModelTokens: 2048 },
      { id: "l", root: "", parent: "m", maxModelTokens: undefined },
    ]);
    expect(await admin.version()).toBe("0.32.0");
    expect(await admin.metrics()).toContain("vllm:num_requests_running 3");
  });

  it("fail clearly", async () => {
    await using setup = await start((request, response) => {
      if (request.url === "/version") response.end("[]");
      else if (request.url === "/v1/models") response.end("nope");
      else if (request.url === "/metrics") response.writeHead(404).end();
    });
    const { admin } = setup.connection;
    await expect(admin.version()).rejects.toMatchObject({ code: "protocol" });
    await expect(admin.models()).rejects.toMatchObject({ code: "protocol" });
    await expect(admin.metrics()).rejects.toMatchObject({ code: "unimplemented" });
    await expect(admin.health({ deadlineAtMs: Date.now() + 100 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    const controller = new AbortController();
    const pending = admin.health({ signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "cancelled" });
  });
});
