import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { eventually, startRouter } from "./start-router.ts";

const STREAMS = 300;
const AT_ONCE = 30;

const question = {
  messages: [{ role: "user", content: "Do not leak." }],
  max_tokens: 24,
  ignore_eos: true,
  stream: true,
};

describe("streams that end in every way", () => {
  it("leave nothing behind", async () => {
    await using one = await startSimulator({ stepMs: 1 });
    await using two = await startSimulator({ stepMs: 1 });
    const engines = [one, two];
    await using router = await startRouter(
      engines.map((engine) => `http://${engine.address}`),
      ["--policy", "round_robin", "--max-concurrent-requests", "20", "--queue-size", "100"],
    );
    const timersBefore = activeTimers();

    /** Every second client leaves: before the answer begins, or after it did. */
    const stream = async (number: number): Promise<"whole" | "left"> => {
      const leaving = new AbortController();
      try {
        const sent = router.post(
          "/v1/chat/completions",
          { ...question, n: 1 + (number % 2) },
          { signal: leaving.signal },
        );
        if (number % 4 === 0) {
          setImmediate(() => leaving.abort());
        }
        const response = await sent;
        const reader = response.body?.getReader();
        await reader?.read();
        if (number % 4 === 2) {
          leaving.abort();
        }
        while ((await reader?.read())?.done === false) {
          // Only the end matters.
        }
        return "whole";
      } catch {
        return "left";
      }
    };
    const outcomes: string[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < STREAMS) {
          next += 1;
          outcomes.push(await stream(next));
        }
      }),
    );
    expect(outcomes.filter((outcome) => outcome === "whole").length).toBeGreaterThanOrEqual(STREAMS / 2);
    expect(outcomes.filter((outcome) => outcome === "left").length).toBeGreaterThan(0);

    await eventually("the ledger is empty", () => router.router.inFlight() === 0);
    await eventually("no stream is open on an engine", () =>
      engines.every((engine) => engine.openCalls === 0 && engine.runningRequests === 0),
    );
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    expect(metrics).toContain("vllm_router_queued_requests 0");
    for (const engine of engines) {
      expect(metrics).toContain(`vllm_router_running_requests{worker="http://${engine.address}"} 0`);
    }
    const lines = router.logs.filter(({ route }) => route === "/v1/chat/completions");
    expect(lines.filter(({ status }) => status === 499).length).toBeGreaterThan(0);
    expect(lines.filter(({ errorCode }) => errorCode === "internal")).toEqual([]);
    // The one that runs is the question itself.
    expect(metrics).toContain("vllm_router_in_flight_requests 1\n");
    // A place that was not given back would be missing now.
    const all = Array.from({ length: 20 }, async () =>
      (await router.post("/v1/chat/completions", question)).text(),
    );
    expect((await Promise.all(all)).every((text) => text.endsWith("data: [DONE]\n\n"))).toBe(true);
    await eventually("no timer is left", () => activeTimers() <= timersBefore);
  });
});

/** Timers of this process that keep it alive. */
function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
