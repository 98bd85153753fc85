import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { eventually, sseData, sseEvents, startRouter } from "./start-router.ts";

interface Answer {
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly finish_reason: string;
    readonly token_ids: readonly number[];
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const BODY = { prompt: "Once upon a time", temperature: 0, use_beam_search: true, return_token_ids: true };
const MESSAGES = [{ role: "user", content: "Hi" }];

describe("use_beam_search", () => {
  it("makes one call of one token a beam and step, and gives the best beams", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const answer = (await (
      await router.post("/v1/completions", { ...BODY, n: 3, max_tokens: 4, ignore_eos: true })
    ).json()) as Answer;
    expect(answer.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, "length"],
      [1, "length"],
      [2, "length"],
    ]);
    const ids = answer.choices.map(({ token_ids }) => token_ids.join(","));
    expect(new Set(ids).size).toBe(3);
    expect(answer.usage.completion_tokens).toBe(12);
    expect(engine.requests.length).toBe(1 + 3 * 3);
    expect(router.router.inFlight()).toBe(0);
  });

  it("finds the same in front of several engines, whoever takes which step", async () => {
    await using first = await startSimulator({ speed: 0 });
    await using second = await startSimulator({ speed: 0 });
    await using alone = await startRouter([`http://${first.address}`]);
    const url = (engine: Simulator): string => `http://${engine.address}`;
    await using both = await startRouter([url(first), url(second)], ["--policy", "round_robin"]);
    const body = { ...BODY, prompt: ["One", "Two"], n: 2, max_tokens: 5, logprobs: 2 };
    const texts = await Promise.all(
      [alone, both].map(async (router) => {
        const { choices } = (await (await router.post("/v1/completions", body)).json()) as Answer;
        return choices;
      }),
    );
    expect(texts[0]).toHaveLength(4);
    expect(texts[1]).toEqual(texts[0]);
    expect(second.requests.length).toBeGreaterThan(0);
  });

  it("streams a chat as vLLM does: every answer in one chunk, when the search is done", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const text = await (
      await router.post("/v1/chat/completions", {
        messages: MESSAGES,
        use_beam_search: true,
        temperature: 0,
        n: 2,
        max_tokens: 3,
        ignore_eos: true,
        stream: true,
      })
    ).text();
    const events = sseEvents<{
      readonly choices: readonly {
        readonly index: number;
        readonly delta: { readonly role?: string };
        readonly finish_reason: string | null;
      }[];
    }>(text).map(({ choices: [choice] }) => [choice?.index, choice?.delta.role, choice?.finish_reason]);
    expect(events).toEqual([
      [0, "assistant", null],
      [1, "assistant", null],
      [0, undefined, "length"],
      [1, undefined, "length"],
    ]);
    expect(sseData(text).at(-1)).toBe("[DONE]");
    const refused = await router.post("/v1/completions", { ...BODY, stream: true });
    expect(refused.status).toBe(400);
  });

  it("refuses more candidates than logprobs, late in a stream", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const message = "Requested sample logprobs of 22, which is greater than max allowed: 20";
    const plain = await router.post("/v1/completions", { ...BODY, n: 11, max_tokens: 2 });
    expect([plain.status, await plain.text()]).toEqual([400, expect.stringContaining(message)]);
    const body = { messages: MESSAGES, use_beam_search: true, n: 11, max_tokens: 2, stream: true };
    const streamed = await router.post("/v1/chat/completions", body);
    expect([streamed.status, await streamed.text()]).toEqual([200, expect.stringContaining(message)]);
    expect(engine.requests).toEqual([]);
  });

  it("takes steps elsewhere when an engine dies, and finds the same", async () => {
    await using sound = await startSimulator({ speed: 0 });
    await using dying = await startSimulator({ speed: 1 });
    await using router = await startRouter(
      [`http://${sound.address}`, `http://${dying.address}`],
      ["--policy", "round_robin"],
    );
    const body = { ...BODY, n: 2, max_tokens: 12, ignore_eos: true };
    const answering = router.post("/v1/completions", body);
    await eventually("the engine has worked", () => dying.requests.length > 1);
    await dying.kill();
    const answer = (await (await answering).json()) as Answer;
    await using alone = await startRouter([`http://${sound.address}`]);
    const expected = (await (await alone.post("/v1/completions", body)).json()) as Answer;
    expect(answer.choices).toEqual(expected.choices);
    expect(router.router.inFlight()).toBe(0);
  });

  it("has no more time in all than any other request", async () => {
    await using engine = await startSimulator({ speed: 0.5 });
    await using router = await startRouter([`http://${engine.address}`], ["--request-timeout-secs", "0.4"]);
    const answer = await router.post("/v1/completions", { ...BODY, n: 2, max_tokens: 500, ignore_eos: true });
    expect([answer.status, await answer.text()]).toEqual([504, expect.stringContaining("time limit")]);
    expect(engine.requests.length).toBeGreaterThan(3);
    expect(router.router.inFlight()).toBe(0);
  });

  it("gives up every call when the client leaves", async () => {
    await using engine = await startSimulator({ speed: 0.05 });
    await using router = await startRouter([`http://${engine.address}`]);
    const leaving = new AbortController();
    const answering = router.post(
      "/v1/completions",
      { ...BODY, prompt: ["a", "b", "c"], n: 4, max_tokens: 500, ignore_eos: true },
      { signal: leaving.signal },
    );
    await eventually("the engine works", () => engine.requests.length > 3);
    leaving.abort();
    await expect(answering).rejects.toThrow("abort");
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
    await eventually("the engine has nothing to do", () => engine.runningRequests === 0);
    const { length } = engine.requests;
    await (await router.post("/v1/completions", { prompt: "d", max_tokens: 1 })).text();
    expect(engine.requests.length).toBe(length + 1);
  });
});
