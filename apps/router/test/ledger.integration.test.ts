import { describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import type { ExplainedDecision } from "../src/decisions/explained-decision.ts";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const FLAGS = [
  "--enable-explain",
  "--retry-max-retries",
  "2",
  "--retry-initial-backoff-ms",
  "1",
  "--retry-max-backoff-ms",
  "2",
];
const PROMPT = "Count what is in flight. ".repeat(8);
const chat = { model: "sim", messages: [{ role: "user", content: PROMPT }], max_tokens: 6 };

/** What the ledger holds of the only worker, as the next decision sees it. */
async function ledgerOf(router: TestRouter): Promise<readonly number[]> {
  const answer = await router.post(
    "/v1/completions",
    { model: "sim", prompt: "x", max_tokens: 1 },
    { headers: { "x-vllm-router-explain": "1" } },
  );
  await answer.text();
  const id = answer.headers.get("x-vllm-router-decision")?.split(";", 1)[0];
  const told = await fetch(`${router.url}/debug/decisions/${id}`);
  const [candidate] = ((await told.json()) as ExplainedDecision).record.input.candidates;
  return [
    candidate?.inFlightRequests ?? NaN,
    candidate?.prefillTokens ?? NaN,
    candidate?.decodeTokens ?? NaN,
  ];
}

const ROUTES: readonly (readonly [string, string, unknown])[] = [
  ["a chat", "/v1/chat/completions", chat],
  [
    "a streamed chat of two",
    "/v1/chat/completions",
    { ...chat, stream: true, n: 2, temperature: 1, seed: 1 },
  ],
  ["a list of completions", "/v1/completions", { model: "sim", prompt: [PROMPT, "b"], max_tokens: 4 }],
  ["a refused request", "/v1/chat/completions", { ...chat, temperature: -1 }],
  ["a model nobody serves", "/v1/completions", { model: "other", prompt: "a" }],
];

describe.each(["token", "proxy"] as const)("the ledger on the %s lane", (lane) => {
  const start = async (): Promise<readonly [Simulator, TestRouter]> => {
    const engine = await startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim"] });
    const address = lane === "token" ? engine.address : engine.httpAddress;
    return [engine, await startRouter([`http://${address}`], FLAGS)];
  };

  it.each(ROUTES)("is empty after %s", async (_name, path, body) => {
    const [engine, router] = await start();
    await using _engine = engine;
    await using _router = router;
    await (await router.post(path, body)).text();
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    expect(await ledgerOf(router)).toEqual([0, 0, 0]);
  });

  it("holds a request from its placement to its end: prompt first, then the sequence", async () => {
    const [engine, router] = await start();
    await using _engine = engine;
    await using _router = router;
    engine.faults.isHanging = true;
    const leaving = new AbortController();
    const held = router.post("/v1/chat/completions", { ...chat, stream: true }, { signal: leaving.signal });
    held.catch(() => undefined);
    await eventually("the engine has it", () => engine.runningRequests === 1);
    expect(router.router.inFlight()).toBe(1);
    const probe = ledgerOf(router);
    await eventually("the probe waits", () => engine.runningRequests === 2);
    engine.faults.isHanging = false;
    leaving.abort();
    await held.catch(() => undefined);
    const [requests, prefill, decode] = await probe;
    expect([requests, decode]).toEqual([1, 0]);
    expect(prefill).toBeGreaterThan(30);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    expect(await ledgerOf(router)).toEqual([0, 0, 0]);
  });

  it("is empty after clients that left and engines that failed, before the first byte and after it", async () => {
    const [engine, router] = await start();
    await using _engine = engine;
    await using _router = router;
    for (const faults of [{ dropStreamAfterTokens: 2 }, { dropStreamAfterTokens: 0 }]) {
      Object.assign(engine.faults, faults);
      const failed = await router
        .post("/v1/chat/completions", { ...chat, stream: true })
        .catch(() => undefined);
      await failed?.text().catch(() => undefined);
    }
    engine.faults.dropStreamAfterTokens = undefined;
    for (const readsFirst of [false, true]) {
      const leaving = new AbortController();
      engine.faults.isHanging = !readsFirst;
      const held = router.post(
        "/v1/chat/completions",
        { ...chat, stream: true, max_tokens: 500, ignore_eos: true },
        { signal: leaving.signal },
      );
      if (readsFirst) {
        await (await held).body?.getReader().read();
      } else {
        await eventually("the engine has it", () => engine.runningRequests === 1);
      }
      leaving.abort();
      await held.catch(() => undefined);
      engine.faults.isHanging = false;
    }
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    expect(await ledgerOf(router)).toEqual([0, 0, 0]);
  });

  it("is empty after an engine died with requests on it", async () => {
    const [engine, router] = await start();
    await using _engine = engine;
    await using _router = router;
    engine.faults.isHanging = true;
    const held = Array.from({ length: 5 }, () => router.post("/v1/chat/completions", chat));
    await eventually("the engine has them", () => engine.runningRequests === 5);
    await engine.kill();
    const statuses = await Promise.all(held.map(async (answer) => (await answer).status));
    expect(statuses.every((status) => status >= 500)).toBe(true);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
  });
});

describe("what the proxy lane knows of a prompt", () => {
  it("is its tokens, exactly, where the model's files are on this machine", async () => {
    await using engine = await startSimulator({ speed: 0, httpPort: 0, servedModelNames: ["sim"] });
    const { BUILTIN_MODEL } = await import("./builtin-model.ts");
    await using router = await startRouter(
      [`http://${engine.httpAddress}`],
      ["--enable-explain", "--model-path", BUILTIN_MODEL],
    );
    const explained = async () => {
      const answer = await router.post("/v1/chat/completions", chat, {
        headers: { "x-vllm-router-explain": "1" },
      });
      const { usage } = (await answer.json()) as { usage: { prompt_tokens: number } };
      const matched = /matched=(\d+)\/(\d+)/.exec(answer.headers.get("x-vllm-router-decision") ?? "");
      return { usage: usage.prompt_tokens, matched: Number(matched?.[1]), prompt: Number(matched?.[2]) };
    };
    await eventually("the tokens are counted", async () => {
      const { usage, prompt } = await explained();
      return usage === prompt;
    });
    const { matched, prompt } = await explained();
    expect(matched).toBe(Math.floor(prompt / 16) * 16);
  });

  it("is its text elsewhere, and a longer conversation goes where it began", async () => {
    const workers = await Promise.all(
      [1, 2, 3].map(() => startHttpWorker(["m"], (_request, response) => void response.end("{}"))),
    );
    await using router = await startRouter(
      workers.map((worker) => worker.url),
      ["--enable-explain"],
    );
    const visited = new Set<string>();
    const messages: unknown[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      messages.push({ role: "user", content: `${turn} ${PROMPT}` }, { role: "assistant", content: "Yes." });
      const answer = await router.post(
        "/v1/chat/completions",
        { model: "m", seed: turn, messages },
        { headers: { "x-vllm-router-explain": "1" } },
      );
      await answer.text();
      visited.add(/place=([^;]+)/.exec(answer.headers.get("x-vllm-router-decision") ?? "")?.[1] ?? "");
    }
    expect(visited.size).toBe(1);
    await Promise.all(workers.map((worker) => worker.kill()));
  });
});
