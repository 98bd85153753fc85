import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { EngineConnector } from "../src/fleet/engine-connector.ts";
import { SystemTimers } from "../src/fleet/timers.ts";
import { ModelBuilder } from "../src/models/build-model-runtime.ts";

const NEVER = new AbortController().signal;

function connector(
  settings: { readonly healthPath?: string; readonly probeTimeoutMs?: number } = {},
): EngineConnector {
  return new EngineConnector({
    transport: "http2",
    probeTimeoutMs: 5_000,
    registrationTimeoutMs: 10_000,
    timers: new SystemTimers(),
    ...settings,
  });
}

interface HttpEngine extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

async function startHttp(answer: RequestListener, port = 0): Promise<HttpEngine> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers as a plain `vllm serve`, as far as registration asks. */
function vllmServe(
  settings: {
    readonly status?: () => number;
    readonly models?: () => readonly string[];
    readonly isLocked?: boolean;
  } = {},
): RequestListener {
  return (request, response) => {
    if (request.url === "/health" || request.url === "/alive") {
      response.writeHead(settings.status?.() ?? 200).end();
    } else if (settings.isLocked === true) {
      response.writeHead(401).end('{"error":"Unauthorized"}');
    } else if (request.url === "/version") {
      response.end('{"version":"0.32.0"}');
    } else if (request.url === "/v1/models") {
      const data = (settings.models?.() ?? ["m"]).map((id) => ({
        id,
        root: "/models/m",
        parent: null,
        max_model_len: 2048,
      }));
      response.setHeader("content-type", "application/json").end(JSON.stringify({ object: "list", data }));
    } else {
      response.writeHead(404).end();
    }
  };
}

async function simulator(options: Parameters<typeof startSimulator>[0] = {}): Promise<Simulator> {
  return startSimulator({ speed: 0, ...options });
}

describe("EngineConnector", () => {
  it("learns from a gRPC engine what it serves, and gets its files", async () => {
    await using engine = await simulator({ servedModelNames: ["sim", "alias"], dataParallelSize: 2 });
    const worker = await connector().connect(`http://${engine.address}`, NEVER);
    try {
      expect(worker.connection.dialect).toBe("vllm-engine");
      expect(worker.facts).toMatchObject({ modelNames: ["sim", "alias"], ranks: 2 });
      expect(worker.facts.engineVersion).toMatch(/^\d+\.\d+/);
      expect(worker.facts.maxModelLength).toBeGreaterThan(0);
      expect(worker.facts.vocabularySize).toBeGreaterThan(0);
      expect([...worker.facts.files.keys()]).toEqual(
        expect.arrayContaining(["tokenizer.json", "tokenizer_config.json"]),
      );
      expect(await connector().probe(worker, NEVER)).toBe("serving");

      const runtime = await new ModelBuilder({
        servedModelNames: [],
        modelPath: undefined,
        tokenizerPath: undefined,
        chatTemplate: undefined,
        generationConfig: "auto",
        overrideGenerationConfig: {},
        fingerprintMode: "full",
        fingerprintValue: undefined,
        hub: {
          endpoint: "http://127.0.0.1:1",
          token: undefined,
          offline: true,
          cacheDirectory: "/nowhere",
          timeoutMs: 1,
        },
      }).build(worker.facts);
      const ids = runtime.tokenizer.encode("Hello world", false);
      expect(runtime.tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("Hello world");
      expect(runtime.chatTemplate).toBeDefined();
    } finally {
      await worker.connection.close();
    }
  });

  it("connects with the library's transport as well, and by a grpc:// address", async () => {
    await using engine = await simulator();
    const other = new EngineConnector({
      transport: "grpc-js",
      probeTimeoutMs: 5_000,
      registrationTimeoutMs: 10_000,
      timers: new SystemTimers(),
    });
    const worker = await other.connect(`grpc://${engine.address}`, NEVER);
    expect(await other.probe(worker, NEVER)).toBe("serving");
    await worker.connection.close();
  });

  it("does not take an engine that is not serving yet", async () => {
    await using engine = await simulator({ startupDelayMs: 60_000 });
    await expect(connector().connect(`http://${engine.address}`, NEVER)).rejects.toMatchObject({
      code: "unavailable",
      message: "the engine answers, but is not serving yet",
    });
  });

  it("notices an engine that stops serving", async () => {
    const first = await simulator();
    const worker = await connector().connect(`http://${first.address}`, NEVER);
    await first[Symbol.asyncDispose]();
    await using second = await simulator({ startupDelayMs: 60_000, port: first.port });
    expect(second.address).toBe(first.address);
    expect(await probeUntilAnswered(connector(), worker)).toBe("not-serving");
    await worker.connection.close();
  });

  it("rejects as unavailable when nothing listens, also in a probe of an engine that died", async () => {
    await expect(connector().connect("http://127.0.0.1:1", NEVER)).rejects.toMatchObject({
      code: "unavailable",
    });
    const engine = await simulator();
    const worker = await connector().connect(`http://${engine.address}`, NEVER);
    await engine[Symbol.asyncDispose]();
    await expect(connector().probe(worker, NEVER)).rejects.toMatchObject({ code: "unavailable" });
    await worker.connection.close();
  });

  it("notices that another model answers at the same address", async () => {
    const first = await simulator({ servedModelNames: ["one"] });
    const worker = await connector().connect(`http://${first.address}`, NEVER);
    await first[Symbol.asyncDispose]();
    await using second = await simulator({ servedModelNames: ["two"], port: first.port });
    expect(second.address).toBe(first.address);
    expect(await probeUntilAnswered(connector(), worker)).toBe("replaced");
    await worker.connection.close();
  });

  it("learns from an HTTP worker what it serves, base models and adapters", async () => {
    let models: readonly string[] = ["m", "m-lora"];
    await using engine = await startHttp(vllmServe({ models: () => models }));
    const worker = await connector().connect(engine.url, NEVER);
    expect(worker.connection.dialect).toBe("http");
    expect(worker.facts).toMatchObject({
      modelNames: ["m", "m-lora"],
      root: "/models/m",
      maxModelLength: 2048,
      ranks: 1,
      engineVersion: "0.32.0",
    });
    expect(await connector().probe(worker, NEVER)).toBe("serving");
    models = ["other"];
    expect(await connector().probe(worker, NEVER)).toBe("replaced");
    await worker.connection.close();
  });

  it("probes the health path it is told", async () => {
    let status = 503;
    await using engine = await startHttp(vllmServe({ status: () => status }));
    await expect(connector({ healthPath: "/alive" }).connect(engine.url, NEVER)).rejects.toMatchObject({
      code: "unavailable",
    });
    status = 200;
    const worker = await connector({ healthPath: "/alive" }).connect(engine.url, NEVER);
    status = 500;
    expect(await connector({ healthPath: "/alive" }).probe(worker, NEVER)).toBe("not-serving");
    expect(await connector({ healthPath: "/nothing" }).probe(worker, NEVER)).toBe("not-serving");
    await worker.connection.close();
  });

  it("takes an HTTP worker that wants a key for any model", async () => {
    await using engine = await startHttp(vllmServe({ isLocked: true }));
    const worker = await connector().connect(engine.url, NEVER);
    expect(worker.facts).toMatchObject({ modelNames: [], engineVersion: "" });
    expect(await connector().probe(worker, NEVER)).toBe("serving");
    await worker.connection.close();
  });

  it("gives up on an engine that accepts and says nothing", async () => {
    await using engine = await startHttp(() => undefined);
    await expect(connector({ probeTimeoutMs: 300 }).connect(engine.url, NEVER)).rejects.toMatchObject({
      name: "EngineError",
    });
  });

  it("stops looking when it is told to", async () => {
    await using engine = await startHttp(() => undefined);
    const abort = new AbortController();
    const connecting = connector().connect(engine.url, abort.signal);
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ name: "EngineError" });
  });
});

/** The first call on a connection that broke may still fail; the next one opens a new one. */
async function probeUntilAnswered(
  of: EngineConnector,
  worker: Parameters<EngineConnector["probe"]>[0],
): Promise<unknown> {
  const deadlineAtMs = Date.now() + 5_000;
  for (;;) {
    try {
      return await of.probe(worker, NEVER);
    } catch (error) {
      if (Date.now() > deadlineAtMs) {
        throw error;
      }
    }
  }
}
