import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const FIXTURES = join(import.meta.dirname, "__fixtures__", "tls");

interface Answer {
  readonly status: number | undefined;
  /** Name in the server's certificate. */
  readonly name: string | undefined;
}

/** Asks for the models over TLS; a new connection each time. */
function askSecurely(router: TestRouter, options: Readonly<Record<string, unknown>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL("/v1/models", router.url);
    const asked = httpsRequest(
      url,
      { ...options, agent: false, timeout: 5_000 },
      (answer: IncomingMessage) => {
        const name = (answer.socket as TLSSocket).getPeerCertificate().subject.CN;
        answer.resume();
        resolve({ status: answer.statusCode, name: Array.isArray(name) ? name[0] : name });
      },
    );
    asked.on("error", reject);
    asked.on("timeout", () => asked.destroy(new Error("no answer within 5 s")));
    asked.end();
  });
}

describe("the listening side", () => {
  let directory: string;
  let engine: Simulator;
  const file = (name: string): string => join(directory, name);
  const use = (name: "first" | "second"): void => {
    copyFileSync(join(FIXTURES, `${name}.key`), file("server.key"));
    copyFileSync(join(FIXTURES, `${name}.crt`), file("server.crt"));
  };
  const start = (flags: readonly string[]): Promise<TestRouter> =>
    startRouter([`http://${engine.address}`], flags);

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "listening-"));
    engine = await startSimulator({ speed: 0 });
  });

  afterEach(async () => {
    await engine[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  it("speaks TLS, and goes over to new files while it runs", async () => {
    use("first");
    await using router = await start([
      "--ssl-keyfile",
      file("server.key"),
      "--ssl-certfile",
      file("server.crt"),
      "--enable-ssl-refresh",
    ]);
    expect(router.url).toMatch(/^https:/);
    const ca = ["first", "second"].map((name) => readFileSync(join(FIXTURES, `${name}.crt`)));
    expect(await askSecurely(router, { ca })).toEqual({ status: 200, name: "first" });
    use("second");
    await eventually("the new certificate is in use", async () => {
      const { name } = await askSecurely(router, { ca });
      return name === "second";
    });
  });

  it("asks clients for certificates", async () => {
    use("first");
    const flags = ["--ssl-keyfile", file("server.key"), "--ssl-certfile", file("server.crt")];
    const ca = readFileSync(join(FIXTURES, "first.crt"));
    const second = {
      cert: readFileSync(join(FIXTURES, "second.crt")),
      key: readFileSync(join(FIXTURES, "second.key")),
    };
    const first = { cert: ca, key: readFileSync(join(FIXTURES, "first.key")) };
    const authority = ["--ssl-ca-certs", join(FIXTURES, "second.crt")];
    {
      await using router = await start([...flags, ...authority, "--ssl-cert-reqs", "2"]);
      expect(await askSecurely(router, { ca, ...second })).toMatchObject({ status: 200 });
      await expect(askSecurely(router, { ca })).rejects.toThrow(/./);
      await expect(askSecurely(router, { ca, ...first })).rejects.toThrow(/./);
    }
    await using router = await start([...flags, ...authority, "--ssl-cert-reqs", "1"]);
    expect(await askSecurely(router, { ca })).toMatchObject({ status: 200 });
    await expect(askSecurely(router, { ca, ...first })).rejects.toThrow(/./);
  });

  it("says which file of TLS it cannot read", async () => {
    await expect(
      start(["--ssl-keyfile", file("nothing.key"), "--ssl-certfile", file("nothing.crt")]),
    ).rejects.toThrow(/--ssl-keyfile: cannot read .*nothing\.key/);
    await expect(start(["--ssl-keyfile", file("nothing.key")])).rejects.toThrow(
      /--ssl-keyfile and --ssl-certfile go together/,
    );
  });

  it("listens on a Unix socket", async () => {
    const socketPath = file("router.sock");
    await using router = await start(["--uds", socketPath]);
    expect(router.url).toBe(`unix:${socketPath}`);
    const status = await new Promise((resolve, reject) => {
      httpRequest({ socketPath, path: "/v1/models", agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    await expect(start(["--uds", join(directory, "no", "such", "place")])).rejects.toThrow(/--uds/);
  });

  it("refuses heads beyond its limits", async () => {
    await using router = await start([
      "--h11-max-header-count",
      "20",
      "--h11-max-incomplete-event-size",
      "4000",
    ]);
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await fetch(`${router.url}/v1/models`, { headers })).status;
    expect(await status({})).toBe(200);
    expect(await status(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`x-${at}`, "y"])))).toBe(
      431,
    );
    expect(await status({ "x-long": "y".repeat(5_000) })).toBe(431);
  });

  it("keeps an idle stream open with comments", async () => {
    await using slow = await startSimulator({ speed: 1 });
    await using router = await startRouter(
      [`http://${slow.address}`],
      ["--sse-keep-alive-interval", "0.002"],
    );
    const answer = await router.post("/v1/chat/completions", {
      messages: [{ role: "user", content: "Take your time." }],
      max_tokens: 8,
      stream: true,
    });
    const text = await answer.text();
    expect(text).toContain(": keep-alive\n\n");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    const blocks = text.trimEnd().split("\n\n");
    expect(blocks.every((block) => block === ": keep-alive" || block.startsWith("data: "))).toBe(true);
  });

  it("logs no line for the endpoints it is told to pass over", async () => {
    await using router = await start(["--disable-access-log-for-endpoints", "/tokenize,/version"]);
    await router.post("/tokenize", { prompt: "a" });
    await router.post("/detokenize", { tokens: [1] });
    await eventually("the line of the other one is written", () => router.logText().includes("/detokenize"));
    expect(router.logText()).not.toContain('"/tokenize"');
  });
});
