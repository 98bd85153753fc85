import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { eventually, sseData, sseEvents, startRouter } from "./start-router.ts";

const question = {
  messages: [{ role: "user", content: "Tell me a story." }],
  max_tokens: 16,
  temperature: 0,
};

describe("an engine that dies", () => {
  it("is replaced before the first byte, for every prompt of a list", async () => {
    await using doomed = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using healthy = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${doomed.address}`, `http://${healthy.address}`],
      ["--policy", "round_robin"],
    );
    const pending = router.post("/v1/completions", {
      prompt: ["one", "two", "three", "four"],
      n: 2,
      temperature: 1,
      seed: 3,
      max_tokens: 6,
    });
    await eventually("the hanging engine got its share", () => doomed.runningRequests > 0);
    await doomed.kill();
    const answer = (await (await pending).json()) as { choices: { index: number; text: string }[] };
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(answer.choices.every((choice) => choice.text.length > 0)).toBe(true);
    expect(router.router.inFlight()).toBe(0);
  });

  it("ends a stream that has begun with an error event and [DONE]", async () => {
    await using doomed = await startSimulator({ speed: 0, faults: { dropStreamAfterTokens: 3 } });
    await using router = await startRouter([`http://${doomed.address}`]);
    const response = await router.post("/v1/chat/completions", { ...question, stream: true });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(sseData(text).at(-1)).toBe("[DONE]");
    const last = sseEvents<{ error?: { code: number; type: string } }>(text).at(-1);
    expect(last?.error?.code).toBeGreaterThanOrEqual(500);
    expect(router.router.inFlight()).toBe(0);
  });

  it("is not asked again once it is known to be dead, and is used again when it is back", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using other = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${engine.address}`, `http://${other.address}`],
      ["--policy", "round_robin"],
    );
    await engine.kill();
    for (let at = 0; at < 6; at += 1) {
      expect((await router.post("/v1/chat/completions", question)).status).toBe(200);
    }
    await eventually("the dead engine is unhealthy", () => router.router.readyWorkers() === 1);
    await engine.restart();
    await eventually("it is ready again", () => router.router.readyWorkers() === 2, 10_000);
    const before = engine.requests.length;
    await router.post("/v1/chat/completions", question);
    await router.post("/v1/chat/completions", question);
    expect(engine.requests.length).toBeGreaterThan(before);
  });

  it("answers 503 with a reason when there is no other", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--retry-max-retries", "2", "--retry-initial-backoff-ms", "5"],
    );
    await engine.kill();
    const refused = await router.post("/v1/chat/completions", question);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: { type: "ServiceUnavailableError", code: 503 } });
    expect(router.router.inFlight()).toBe(0);
  });
});

describe("a client", () => {
  it("that leaves ends its engine work at once", async () => {
    await using engine = await startSimulator({ stepMs: 20 });
    await using router = await startRouter([`http://${engine.address}`]);
    const leaving = new AbortController();
    const response = await router.post(
      "/v1/chat/completions",
      { ...question, max_tokens: 2000, stream: true, ignore_eos: true },
      { signal: leaving.signal },
    );
    await response.body?.getReader().read();
    leaving.abort();
    await eventually(
      "the engine stopped working for it",
      () => engine.runningRequests === 0 && engine.abortCount === 1,
    );
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    await eventually("the log tells it", () => router.logText().includes("client_gone"));
    expect(engine.openCalls).toBe(0);
  });

  it("that leaves before the first byte ends its engine work, too", async () => {
    await using engine = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using router = await startRouter([`http://${engine.address}`]);
    const leaving = new AbortController();
    const pending = router.post("/v1/chat/completions", question, { signal: leaving.signal });
    await eventually("the engine has it", () => engine.runningRequests === 1);
    leaving.abort();
    await expect(pending).rejects.toThrow("aborted");
    await eventually("the engine is free", () => engine.runningRequests === 0);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });

  it("that reads slowly holds up nobody else", async () => {
    await using engine = await startSimulator({ speed: 0, maxModelLen: 60_000, kvBlocks: 8192 });
    await using router = await startRouter([`http://${engine.address}`]);
    const { port } = new URL(router.url);
    const body = JSON.stringify({
      prompt: "slow",
      max_tokens: 50_000,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      logprobs: 5,
    });
    const slow = connect(Number(port), "127.0.0.1");
    slow.pause();
    slow.write(
      `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await eventually("the slow one runs", () => engine.runningRequests === 1);
    for (let at = 0; at < 5; at += 1) {
      expect((await router.post("/v1/chat/completions", question)).status).toBe(200);
    }
    slow.destroy();
    await eventually("the engine is free", () => engine.runningRequests === 0);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });
});
