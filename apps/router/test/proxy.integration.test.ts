import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { startHttpWorker } from "./http-worker.ts";
import { openRaw } from "./raw-http.ts";
import { eventually, sseData, startRouter, type TestRouter } from "./start-router.ts";
import { unchunked } from "./unchunked.ts";

const question = {
  model: "sim",
  messages: [{ role: "user", content: "Pass this on." }],
  max_tokens: 12,
  temperature: 0,
};
const FAST_RETRIES = ["--retry-initial-backoff-ms", "2", "--retry-max-backoff-ms", "5"];

/** Everything of an answer but what differs from one to the next. */
function steady(text: string): string {
  return text.replaceAll(/"(id|created)":("[^"]*"|\d+)/g, '"$1":0');
}

describe("the proxy lane on vLLM's HTTP server", () => {
  let engine: Simulator;
  let router: TestRouter;
  let direct: string;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim"] });
    direct = `http://${engine.httpAddress}`;
    router = await startRouter([direct]);
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  const both = (path: string, body: unknown): Promise<readonly [Response, Response]> => {
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    return Promise.all([fetch(`${router.url}${path}`, init), fetch(`${direct}${path}`, init)]);
  };

  it.each([
    ["a whole chat", "/v1/chat/completions", question],
    ["a streamed chat", "/v1/chat/completions", { ...question, stream: true }],
    ["a completion", "/v1/completions", { model: "sim", prompt: "Once", max_tokens: 8, temperature: 0 }],
    ["a refusal", "/v1/chat/completions", { ...question, temperature: -1 }],
    ["a model nobody serves", "/v1/chat/completions", { ...question, model: "other" }],
    ["tokenize", "/tokenize", { model: "sim", prompt: "Once upon a time" }],
    ["a path that neither knows", "/v1/rerank", { a: 1 }],
  ])("passes on %s as it is", async (_, path, body) => {
    const [routed, own] = await both(path, body);
    expect(routed.status).toBe(own.status);
    expect(routed.headers.get("content-type")).toBe(own.headers.get("content-type"));
    expect(steady(await routed.text())).toBe(steady(await own.text()));
  });

  it("gives everything back and says in the log who answered", async () => {
    await (await router.post("/v1/chat/completions", { ...question, stream: true })).text();
    await eventually("the ledger is empty", () => router.router.inFlight() === 0);
    const lines = (): typeof router.logs =>
      router.logs.filter((line) => line["msg"] === "request" && line["workers"] !== undefined);
    await eventually("the line is there", () => lines().length > 0);
    expect(lines().at(-1)).toMatchObject({ workers: [direct] });
  });

  it("lists the workers' models", async () => {
    const models = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(["sim"]);
  });

  it("ends the worker's work when the client leaves", async () => {
    engine.faults.isHanging = true;
    const leaving = new AbortController();
    const aborts = engine.abortCount;
    const pending = router.post(
      "/v1/chat/completions",
      { ...question, stream: true },
      { signal: leaving.signal },
    );
    await eventually("the engine has it", () => engine.runningRequests === 1);
    leaving.abort();
    await pending.then(
      (response) => expect(response.text()).rejects.toThrow("aborted"),
      () => undefined,
    );
    await eventually("the engine is free", () => engine.abortCount === aborts + 1);
    engine.faults.isHanging = false;
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });
});

describe("the proxy lane on workers that misbehave", () => {
  it("passes on head and body byte for byte, either way, whatever the verb and the path", async () => {
    const seen: string[] = [];
    await using worker = await startHttpWorker(["m"], (request, response, body) => {
      seen.push([request.method, request.url, request.headers["x-tenant"], body].join(" "));
      response.writeHead(207, [
        ["X-Custom", "a"],
        ["Set-Cookie", "one=1"],
        ["Set-Cookie", "two=2"],
      ] as unknown as string[]);
      response.end("  not { json \u00e4");
    });
    await using router = await startRouter([worker.url]);
    const body = '{"model" : "m",  "odd": 1.0, "odd": 2}';
    const headers = { "content-type": "application/json", "x-tenant": "t" };
    for (const [method, path] of [
      ["POST", "/v1/chat/completions?x=1"],
      ["POST", "/v1/embeddings"],
      ["PUT", "/anything/else"],
      ["DELETE", "/v1/responses/1"],
      ["POST", "/v1/responses/1/cancel"],
      ["POST", "/inference/v1/generate"],
      ["POST", "/v1/completions/derender"],
      ["POST", "/scale_elastic_ep"],
    ] as const) {
      const answer = await fetch(`${router.url}${path}`, { method, headers, body });
      expect([answer.status, await answer.text()]).toEqual([207, "  not { json \u00e4"]);
      expect([answer.headers.get("x-custom"), answer.headers.getSetCookie()]).toEqual([
        "a",
        ["one=1", "two=2"],
      ]);
      expect(seen.at(-1)).toBe(`${method} ${path} t ${body}`);
    }
    for (const path of ["/v1/nothing", "/v1/responses/1", "/openapi.json", "/docs"]) {
      expect((await fetch(router.url + path)).status).toBe(207);
    }
    const redirect = await fetch(`${router.url}/v1/models/`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([307, `${router.url}/v1/models`]);
    // A verb this router does not know may be one the worker knows.
    expect((await fetch(`${router.url}/v1/chat/completions`)).status).toBe(207);
  });

  it("passes on a body in chunks whatever the worker's framing is, and whatever the client knows", async () => {
    const long = "x".repeat(20_000);
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n";
    await using worker = await startHttpWorker(["m"], (_request, response) => {
      response.socket?.end(
        `${head}5\r\nhello\r\n01\r\n,\r\n6;a=b\r\n world\r\n4E20\r\n${long}\r\n0\r\nx: y\r\n\r\n`,
      );
    });
    for (const httpServer of ["net", "node"]) {
      await using router = await startRouter([worker.url], ["--http-server", httpServer]);
      const ask = async (version: string): Promise<string> => {
        using raw = await openRaw(Number(new URL(router.url).port));
        raw.send(`POST /any ${version}\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
        return await raw.closed();
      };
      const answer = await ask("HTTP/1.1");
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nX-A: 1\r\n/);
      expect(answer.toLowerCase().split("transfer-encoding: chunked")).toHaveLength(2);
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      expect(unchunked(body)).toBe(`hello, world${long}`);
      expect(body).not.toContain("a=b");
      expect(body).not.toContain("x: y");
      expect((await ask("HTTP/1.0")).split("\r\n\r\n")[1]).toBe(`hello, world${long}`);
    }
  });

  it("tries another worker before the first byte: refusals, 5xx, connections that break", async () => {
    await using bad = await startHttpWorker(["m"], (_request, response) => {
      response.writeHead(503).end("busy");
    });
    await using good = await startHttpWorker(["m"], (_request, response) => {
      response.end("done");
    });
    await using router = await startRouter(
      [bad.url, good.url],
      ["--policy", "round_robin", "--disable-circuit-breaker", ...FAST_RETRIES],
    );
    const ask = async (): Promise<readonly [number, string]> => {
      const answer = await router.post("/v1/completions", { model: "m", prompt: "x" });
      return [answer.status, await answer.text()];
    };
    expect(await Promise.all([ask(), ask()])).toEqual([
      [200, "done"],
      [200, "done"],
    ]);
    expect(bad.requests.length).toBeGreaterThan(0);
    bad.handler = (request) => void request.socket.destroy();
    expect(await Promise.all([ask(), ask()])).toEqual([
      [200, "done"],
      [200, "done"],
    ]);
    await bad.kill();
    expect(await Promise.all([ask(), ask()])).toEqual([
      [200, "done"],
      [200, "done"],
    ]);
    expect(router.router.inFlight()).toBe(0);
  });

  it("tells the worker's own words when no retry is left", async () => {
    await using worker = await startHttpWorker(["m"], (_request, response) => {
      response.writeHead(500, { "x-mine": "yes" }).end("its own words");
    });
    await using router = await startRouter(
      [worker.url],
      ["--retry-max-retries", "3", "--disable-circuit-breaker", ...FAST_RETRIES],
    );
    const answer = await router.post("/v1/completions", { model: "m", prompt: "x" });
    expect([answer.status, answer.headers.get("x-mine"), await answer.text()]).toEqual([
      500,
      "yes",
      "its own words",
    ]);
    expect(worker.requests).toHaveLength(3);
  });

  it("cuts the connection when the worker dies in the middle of the body", async () => {
    await using worker = await startHttpWorker(["m"], (request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n", () => request.socket.destroy());
    });
    await using router = await startRouter([worker.url], FAST_RETRIES);
    const answer = await router.post("/v1/completions", { model: "m", prompt: "x", stream: true });
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow("terminated");
    expect(worker.requests).toHaveLength(1);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });

  it("lets a client that reads slowly hold back its worker, and loses nothing", async () => {
    const piece = "x".repeat(64 * 1024);
    const pieces = 400;
    let written = 0;
    await using worker = await startHttpWorker(["m"], async (_request, response) => {
      for (; written < pieces; written += 1) {
        if (!response.write(piece)) {
          await new Promise((resolve) => response.once("drain", resolve));
        }
      }
      response.end();
    });
    await using router = await startRouter([worker.url]);
    const client = connect(Number(new URL(router.url).port), "127.0.0.1");
    client.pause();
    client.write("GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    await eventually("the worker stands still while others are served", async () => {
      const before = written;
      for (let at = 0; at < 20; at += 1) {
        await fetch(`${router.url}/liveness`);
      }
      return written > 0 && written === before;
    });
    expect(written).toBeLessThan(pieces);
    let received = 0;
    const ended = new Promise((resolve) => client.once("end", resolve));
    client.on("data", (bytes) => (received += bytes.length));
    client.resume();
    await ended;
    expect(written).toBe(pieces);
    expect(received).toBeGreaterThan(pieces * piece.length);
  });

  it("lists the models of workers that differ by their names", async () => {
    await using one = await startHttpWorker(["a"], (_request, response) => void response.end("one"));
    await using two = await startHttpWorker(["b", "c"], (_request, response) => void response.end("two"));
    await using router = await startRouter([one.url, two.url]);
    const models = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id).toSorted()).toEqual(["a", "b", "c"]);
    for (const [model, who] of [
      ["a", "one"],
      ["b", "two"],
      ["c", "two"],
    ]) {
      expect(await (await router.post("/v1/completions", { model, prompt: "x" })).text()).toBe(who);
    }
  });
});

describe("a mixed fleet", () => {
  let grpc: Simulator;
  let router: TestRouter;
  let http: Awaited<ReturnType<typeof startHttpWorker>>;

  beforeAll(async () => {
    grpc = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    http = await startHttpWorker(["sim", "http-only"], (_request, response, body) => {
      response.end(`http ${body}`);
    });
    router = await startRouter([`http://${grpc.address}`, http.url], FAST_RETRIES);
  });

  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await http[Symbol.asyncDispose]();
    await grpc[Symbol.asyncDispose]();
  });

  it("prefers the token lane, and the proxy lane for models that only HTTP workers serve", async () => {
    const answer = await router.post("/v1/chat/completions", { ...question, stream: true });
    expect(sseData(await answer.text()).at(-1)).toBe("[DONE]");
    const body = { ...question, model: "http-only" };
    expect(await (await router.post("/v1/chat/completions", body)).text()).toBe(
      `http ${JSON.stringify(body)}`,
    );
    const unknown = await router.post("/v1/chat/completions", { ...question, model: "nope" });
    expect(unknown.status).toBe(404);
    expect(await unknown.text()).toContain("sim, http-only");
    const models = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(["sim", "http-only"]);
  });

  it.each([
    ["a field the protocol lacks", { bad_words: ["no"] }],
    ["a value that does not fit", { seed: 2 ** 40 }],
  ])("sends %s to an HTTP worker of the model", async (_, extra) => {
    const before = grpc.requests.length;
    const body = { ...question, ...extra };
    const answer = await router.post("/v1/chat/completions", body);
    expect([answer.status, await answer.text()]).toEqual([200, `http ${JSON.stringify(body)}`]);
    expect(grpc.requests).toHaveLength(before);
    expect(router.router.inFlight()).toBe(0);
  });

  it("sends prompt embeddings there, too", async () => {
    const body = { model: "sim", prompt_embeds: "AAAA" };
    expect(await (await router.post("/v1/completions", body)).text()).toBe(`http ${JSON.stringify(body)}`);
  });

  it("answers 404 to paths that nobody knows", async () => {
    const answer = await fetch(`${router.url}/v1/nothing`, { method: "PUT" });
    expect([answer.status, await answer.text()]).toEqual([404, '{"detail":"Not Found"}']);
  });

  it("falls back to the HTTP worker when the gRPC engine is gone", async () => {
    await grpc.kill();
    // Whoever finds it gone has it probed.
    await (await router.post("/v1/chat/completions", question)).text();
    await eventually("the engine is known to be gone", () => router.router.readyWorkers() === 1);
    const answer = await router.post("/v1/chat/completions", question);
    expect(await answer.text()).toContain("http ");
    await grpc.restart();
    await eventually("it is back", () => router.router.readyWorkers() === 2);
  });
});
