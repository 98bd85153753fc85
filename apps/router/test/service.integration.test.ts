import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import { eventually, startRouter } from "./start-router.ts";
import { temporaryFolder } from "./tiny-model.ts";

/** pino's number of the level. */
const WARN = 40;

const question = { messages: [{ role: "user", content: "A secret prompt" }], max_tokens: 8, temperature: 0 };

describe("the service", () => {
  it("answers 503 with a reason until the engine is ready", async () => {
    await using engine = await startSimulator({ speed: 0, startupDelayMs: 60_000 });
    await using router = await startRouter([`http://${engine.address}`], [], { waitForWorkers: false });
    for (const path of ["/health", "/readiness"]) {
      expect((await fetch(`${router.url}${path}`)).status).toBe(503);
    }
    const refused = await router.post("/v1/chat/completions", question);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      error: { message: expect.stringContaining(engine.address) as string },
    });
    expect((await fetch(`${router.url}/liveness`)).status).toBe(200);
  });

  it("describes model, version, load and fleet", async () => {
    await using engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    await using router = await startRouter([`http://${engine.address}`]);
    expect((await fetch(`${router.url}/health`)).status).toBe(200);
    expect((await fetch(`${router.url}/ping`, { method: "POST" })).status).toBe(200);
    expect(await (await fetch(`${router.url}/v1/models`)).json()).toMatchObject({
      object: "list",
      data: [{ id: "sim", object: "model", owned_by: "vllm", parent: null }],
    });
    expect(await (await fetch(`${router.url}/load`)).json()).toEqual({ server_load: 0 });
    expect(await (await fetch(`${router.url}/version`)).json()).toHaveProperty("version");
    expect(await (await fetch(`${router.url}/readiness`)).json()).toEqual({
      status: "ready",
      healthy_workers: 1,
      total_workers: 1,
    });
    expect(await (await fetch(`${router.url}/list_workers`)).json()).toEqual({
      urls: [`http://${engine.address}`],
    });
    expect(await (await fetch(`${router.url}/workers`)).json()).toMatchObject({
      total: 1,
      workers: [{ is_healthy: true, connection_mode: "Grpc", model_id: "sim" }],
    });
  });

  it("answers unknown paths and wrong verbs as vLLM does", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const unknown = await fetch(`${router.url}/v1/nothing`, { method: "POST" });
    expect([unknown.status, await unknown.text()]).toEqual([404, '{"detail":"Not Found"}']);
    const wrong = await fetch(`${router.url}/v1/chat/completions`);
    expect([wrong.status, wrong.headers.get("allow"), await wrong.text()]).toEqual([
      405,
      "POST",
      '{"detail":"Method Not Allowed"}',
    ]);
    expect((await fetch(`${router.url}/health`, { method: "HEAD" })).status).toBe(405);
    const redirect = await fetch(`${router.url}/v1/models/`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([307, `${router.url}/v1/models`]);
  });

  it("bounds the body and demands JSON", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`], ["--max-payload-size", "2000"]);
    expect((await router.post("/v1/chat/completions", { ...question, user: "x".repeat(3000) })).status).toBe(
      413,
    );
    const plain = await router.post("/v1/chat/completions", question, {
      headers: { "content-type": "text/plain" },
    });
    expect([plain.status, await plain.text()]).toEqual([
      400,
      '{"error":{"message":"1 validation error:\\n  Unsupported Media Type: Only \'application/json\' is allowed","type":"Bad Request","param":null,"code":400}}',
    ]);
    const broken = await router.post("/v1/chat/completions", '{"messages": [');
    expect(broken.status).toBe(400);
    expect((await router.post("/v1/chat/completions", question)).status).toBe(200);
  });

  it("tells metrics and one log line a request, never a prompt", async () => {
    await using engine = await startSimulator({ speed: 0, servedModelNames: ["sim"] });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = (await (await router.post("/v1/chat/completions", question)).json()) as {
      choices: { message: { content: string } }[];
    };
    await eventually("the line is there", () =>
      router.logs.some((line) => line["msg"] === "request" && line["route"] === "/v1/chat/completions"),
    );
    const lines = router.logs.filter(
      (line) => line["msg"] === "request" && line["route"] === "/v1/chat/completions",
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      status: 200,
      model: "sim",
      workers: [`http://${engine.address}`],
      policy: "cache_aware",
      attempts: 1,
    });
    expect(router.logText()).not.toContain("secret prompt");
    expect(router.logText()).not.toContain(answer.choices[0]?.message.content ?? "?");
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    for (const expected of [
      `vllm_router_requests_total{route="/v1/chat/completions"} 1`,
      `vllm_router_processed_requests_total{worker="http://${engine.address}"} 1`,
      `vllm_router_worker_health{worker="http://${engine.address}"} 1`,
      `vllm_router_active_workers 1`,
      `vllm:request_success_total{model_name="sim",engine="0",finished_reason="length"} 1`,
      `http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 1`,
    ]) {
      expect(metrics).toContain(expected);
    }
  });

  it("lets running answers end when it is closed, and takes no new ones", async () => {
    await using engine = await startSimulator({ stepMs: 10 });
    const router = await startRouter([`http://${engine.address}`]);
    const streaming = await router.post("/v1/chat/completions", {
      ...question,
      max_tokens: 30,
      ignore_eos: true,
      stream: true,
    });
    const closing = router.router.close(10_000);
    const text = await streaming.text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    await closing;
    await expect(fetch(`${router.url}/health`)).rejects.toThrow("fetch failed");
    await eventually("no connection is left on the engine", () => engine.openConnections === 0);
  });

  it("refuses a second worker that claims the model with another tokenizer", async () => {
    await using folder = await temporaryFolder();
    await cp(BUILTIN_MODEL, folder.path, { recursive: true });
    const settings = JSON.parse(await readFile(join(folder.path, "tokenizer_config.json"), "utf8")) as object;
    await folder.write({
      "tokenizer_config.json": { ...settings, chat_template: "{{ messages[0].content }}!" },
    });
    await using first = await startSimulator({ speed: 0, servedModelNames: ["same"] });
    await using second = await startSimulator({
      speed: 0,
      servedModelNames: ["same"],
      modelPath: folder.path,
    });
    await second.kill();
    const urls = [`http://${first.address}`, `http://${second.address}`];
    await using router = await startRouter(urls, [], { waitForWorkers: false });
    await eventually("the first is ready", () => router.router.readyWorkers() === 1);
    await second.restart();
    const refusal = (): (typeof router.logs)[number] | undefined =>
      router.logs.find((line) => line["state"] === "refused");
    await eventually("the second is refused", () => refusal() !== undefined);

    const detail = expect.stringContaining('model "same" is already served with other tokenizer') as string;
    expect(refusal()).toMatchObject({ level: WARN, worker: urls[1], detail });
    expect(await (await fetch(`${router.url}/workers`)).json()).toMatchObject({
      workers: [
        { url: urls[0], state: "ready", is_healthy: true },
        { url: urls[1], state: "refused", is_healthy: false, detail },
      ],
    });
    for (let at = 0; at < 4; at += 1) {
      expect((await router.post("/v1/chat/completions", question)).status).toBe(200);
    }
    expect([first.requests.length, second.requests.length]).toEqual([4, 0]);
  });
});
