import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { eventually, startRouter } from "./start-router.ts";

const question = { messages: [{ role: "user", content: "Wait for me." }], max_tokens: 8, temperature: 0 };

describe("admission", () => {
  it("lets in as many as the limit, queues as many as the queue, refuses the rest", async () => {
    await using engine = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--max-concurrent-requests", "1", "--queue-size", "1"],
    );
    const running = router.post("/v1/chat/completions", question);
    await eventually("one runs", () => engine.runningRequests === 1);
    const queued = router.post("/v1/chat/completions", question);
    await eventually("one waits", async () =>
      (await (await fetch(`${router.url}/metrics`)).text()).includes("vllm_router_queued_requests 1"),
    );
    const refused = await router.post("/v1/chat/completions", question);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: { code: 429, type: "TooManyRequestsError" } });
    engine.faults.isHanging = false;
    expect((await running).status).toBe(200);
    expect((await queued).status).toBe(200);
    expect(router.router.inFlight()).toBe(0);
  });

  it("holds the place to the end of the body, not to the first byte", async () => {
    await using engine = await startSimulator({ speed: 0, faults: { stallStreamAfterTokens: 2 } });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--max-concurrent-requests", "1", "--queue-size", "0"],
    );
    const leaving = new AbortController();
    const streaming = await router.post(
      "/v1/chat/completions",
      { ...question, stream: true },
      { signal: leaving.signal },
    );
    await streaming.body?.getReader().read();
    expect((await router.post("/v1/chat/completions", question)).status).toBe(429);
    leaving.abort();
    engine.faults.stallStreamAfterTokens = undefined;
    await eventually(
      "the place is free again",
      async () => (await router.post("/v1/chat/completions", question)).status === 200,
    );
  });

  it("answers 408 when the wait in the queue is too long", async () => {
    await using engine = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--max-concurrent-requests", "1", "--queue-size", "5", "--queue-timeout-secs", "0.05"],
    );
    const leaving = new AbortController();
    const running = router.post("/v1/chat/completions", question, { signal: leaving.signal });
    await eventually("one runs", () => engine.runningRequests === 1);
    expect((await router.post("/v1/chat/completions", question)).status).toBe(408);
    leaving.abort();
    await expect(running).rejects.toThrow("aborted");
  });
});
