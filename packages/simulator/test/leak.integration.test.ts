import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { collect, TestClient } from "./engine-client.ts";

const kinds = ["TCPServerWrap", "TCPSocketWrap", "Timeout", "Immediate"];

/** Open handles of the kinds a server could leave behind. */
function handles(): Record<string, number> {
  const open = process.getActiveResourcesInfo();
  return Object.fromEntries(kinds.map((kind) => [kind, open.filter((name) => name === kind).length]));
}

describe("close()", () => {
  it("leaves no socket, timer or work behind, whatever was under way", async () => {
    const before = handles();
    const simulator = await startSimulator({ httpPort: 0, startupDelayMs: 60_000, stepMs: 1 });
    const client = new TestClient(simulator);
    const long = { maxTokens: 5000, ignoreEos: true };
    const calls = [1, 2, 3].map((id) => client.start({ ids: [id], sampling: long }));
    const results = calls.map(collect);
    const subscription = client.engine.subscribeKvEvents({
      startSequenceNumber: 0n,
      loadRecordsBeforeFirstBatch: false,
    });
    subscription.on("error", () => undefined).resume();
    const http = fetch(`http://${simulator.httpAddress}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "The", max_tokens: 5000, ignore_eos: true }),
    }).then(
      () => "answered",
      () => "failed",
    );
    await expect.poll(() => simulator.runningRequests, { timeout: 5000 }).toBe(4);
    await simulator.close();
    expect((await Promise.all(results)).every(({ error }) => error !== undefined)).toBe(true);
    expect(await http).toBe("failed");
    client[Symbol.dispose]();
    expect([simulator.runningRequests, simulator.openStreams, simulator.openConnections]).toEqual([0, 0, 0]);
    await expect.poll(handles, { timeout: 5000 }).toEqual(before);
  });
});
