import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

const question = { messages: [{ role: "user", content: "Who goes there?" }], max_tokens: 4 };

describe("--api-key", () => {
  it("guards vLLM's paths and the router's own, and leaves the others open", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`], ["--api-key", "one", "two"]);
    const status = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await fetch(`${router.url}${path}`, init)).status;
    for (const path of [
      "/v1/models",
      "/%76%31/models",
      "/v1nothing",
      "/v2/embed",
      "/inference/v1/generate",
      "/workers",
    ]) {
      expect([path, await status(path)]).toEqual([path, 401]);
    }
    for (const path of ["/health", "/metrics", "/version", "/ping", "/load"]) {
      expect([path, await status(path)]).toEqual([path, 200]);
    }
    expect(await status("/nothing")).toBe(404);
    expect(await status("/v1/models", { method: "OPTIONS" })).toBe(405);
    const refused = await router.post("/v1/chat/completions", question);
    expect([refused.status, await refused.text()]).toEqual([401, '{"error":"Unauthorized"}']);
    expect(engine.requests).toHaveLength(0);
    for (const [authorization, expected] of [
      ["Bearer one", 200],
      ["bearer two", 200],
      ["Bearer three", 401],
      ["Bearer  one", 401],
      ["Bearer", 401],
      ["Basic one", 401],
      ["one", 401],
    ] as const) {
      const answer = await router.post("/v1/chat/completions", question, { headers: { authorization } });
      expect([authorization, answer.status]).toEqual([authorization, expected]);
    }
    expect(router.logText()).not.toContain("two");
  });
});

describe("other origins", () => {
  const origin = "http://page.example";

  it("are told nothing by default", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = await fetch(`${router.url}/v1/models`, { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("vary")).toBe("Origin");
  });

  it("are allowed as Starlette allows them", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${engine.address}`],
      [
        "--allowed-origins",
        `["${origin}"]`,
        "--allowed-methods",
        '["GET","POST"]',
        "--allowed-headers",
        '["X-Mine"]',
      ],
    );
    const asked = (more: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(`${router.url}/v1/chat/completions`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", ...more },
      });
    const good = await asked({ "access-control-request-headers": "content-type, x-mine" });
    expect([good.status, await good.text()]).toEqual([200, "OK"]);
    expect(good.headers.get("access-control-allow-origin")).toBe(origin);
    expect(good.headers.get("access-control-allow-methods")).toBe("GET, POST");
    expect(good.headers.get("access-control-allow-headers")).toBe(
      "Accept, Accept-Language, Content-Language, Content-Type, X-Mine",
    );
    const bad = await asked({
      origin: "http://other.example",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "x-theirs",
    });
    expect([bad.status, await bad.text()]).toEqual([400, "Disallowed CORS origin, method, headers"]);
    const answer = await router.post("/v1/chat/completions", question, { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    const streamed = await router.post(
      "/v1/chat/completions",
      { ...question, stream: true },
      { headers: { origin } },
    );
    await streamed.text();
    expect(streamed.headers.get("access-control-allow-origin")).toBe(origin);
    const other = await router.post("/v1/chat/completions", question, {
      headers: { origin: "http://other.example" },
    });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });

  it.each([
    [[], "*", null],
    [["--allow-credentials"], origin, "true"],
  ] as const)("are all allowed with *, %j", async (flags, allowed, credentials) => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--allowed-origins", '["*"]', ...flags],
    );
    const answer = await fetch(`${router.url}/v1/models`, { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(allowed);
    expect(answer.headers.get("access-control-allow-credentials")).toBe(credentials);
  });
});

describe("POST /invocations", () => {
  it("answers chats and completions, and refuses as vLLM does", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const chat = await router.post("/invocations", question);
    expect(await chat.json()).toMatchObject({ object: "chat.completion" });
    const completion = await router.post("/invocations", { prompt: "Hello", max_tokens: 4 });
    expect(await completion.json()).toMatchObject({ object: "text_completion" });
    const streamed = await router.post("/invocations", { ...question, stream: true });
    expect(await streamed.text()).toContain("data: [DONE]");
    const refused = await router.post("/invocations", { x: 1 });
    expect(await refused.json()).toMatchObject({ error: { param: "prompt", code: 400 } });
    const broken = await router.post("/invocations", { prompt: 5 });
    expect(await broken.json()).toMatchObject({
      error: {
        message:
          "Cannot find suitable handler for request. Expected one of: ['ChatCompletionRequest', 'CompletionRequest']",
      },
    });
  });
});
