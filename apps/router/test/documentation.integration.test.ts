import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { startRouter, type TestRouter } from "./start-router.ts";

interface Document {
  readonly paths: Readonly<Record<string, unknown>>;
}

function get(router: TestRouter, path: string): Promise<Response> {
  return fetch(router.url + path);
}

describe("the routes that describe the server", () => {
  let engine: Simulator;

  beforeAll(async () => {
    engine = await startSimulator({ speed: 0 });
  });

  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  });

  const start = (...flags: readonly string[]) => startRouter([`http://${engine.address}`], flags);

  it("document the paths that are open", async () => {
    await using router = await start();
    const { paths } = (await (await get(router, "/openapi.json")).json()) as Document;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/v1/chat/completions",
        "/v1/responses/{response_id}",
        "/inference/v1/generate",
      ]),
    );
    expect(paths).not.toHaveProperty("/tokenizer_info");
    for (const path of ["/docs", "/redoc"]) {
      const page = await get(router, path);
      expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(await page.text()).toContain("openapi.json");
    }
    expect((await get(router, "/tokenizer_info")).status).toBe(404);
  });

  it("are the only pages that know HEAD, and an unknown path knows any verb as little", async () => {
    await using router = await start();
    for (const path of ["/docs", "/redoc", "/openapi.json"]) {
      const head = await fetch(`${router.url}${path}`, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
      const post = await fetch(`${router.url}${path}`, { method: "POST" });
      expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
    const ping = await fetch(`${router.url}/ping`, { method: "PUT" });
    expect([ping.status, ping.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await fetch(`${router.url}/nothing`, { method: "REPORT" })).status).toBe(404);
  });

  it("take nothing from outside with --enable-offline-docs", async () => {
    await using router = await start("--enable-offline-docs");
    expect(await (await get(router, "/docs")).text()).not.toContain("https://");
    expect((await get(router, "/redoc")).status).toBe(404);
  });

  it("are gone with --disable-fastapi-docs", async () => {
    await using router = await start("--disable-fastapi-docs");
    for (const path of ["/openapi.json", "/docs", "/redoc"]) {
      expect((await get(router, path)).status).toBe(404);
    }
  });

  it("show the tokenizer's settings with --enable-tokenizer-info-endpoint", async () => {
    await using router = await start("--enable-tokenizer-info-endpoint");
    const answer = await get(router, "/tokenizer_info");
    expect(answer.status).toBe(200);
    const info = (await answer.json()) as Record<string, unknown>;
    expect(info).toHaveProperty("tokenizer_class");
    expect(info).toHaveProperty("chat_template");
    const { paths } = (await (await get(router, "/openapi.json")).json()) as Document;
    expect(paths).toHaveProperty("/tokenizer_info");
  });
});
