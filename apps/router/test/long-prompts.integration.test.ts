import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import type { EncodedElsewhere } from "../src/tokenizing/long-texts.ts";
import { TokenizingThreads } from "../src/tokenizing/tokenizing-threads.ts";
import { builtinRuntime } from "./fake-pipeline.ts";
import { eventually, startRouter } from "./start-router.ts";

const LONG = "A long story about routers, 漢字 and 😀. ".repeat(60);
const FLAGS = ["--tokenizer-thread-min-chars", "1024"];

interface Answer {
  readonly prompt_token_ids: readonly number[];
}

describe("long prompts", () => {
  it("are encoded by a thread as they are here", async () => {
    const model = await builtinRuntime();
    await using threads = new TokenizingThreads({ count: 1, mostUnits: 1024, changed: () => undefined });
    const stretches = [
      { text: LONG, isAtStart: true },
      { text: ` ${LONG}`, isAtStart: false },
    ];
    let ids: EncodedElsewhere;
    await eventually(
      "the thread encodes",
      async () => {
        ids = await new Promise<EncodedElsewhere>((resolve) => threads.encode(model, stretches, resolve));
        return ids !== undefined;
      },
      45_000,
    );
    expect(ids).toEqual(model.tokenizer.encodeStretches(stretches));
  });

  it("are answered as short ones, with and without threads, before and after these have begun", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using threaded = await startRouter([`http://${engine.address}`], FLAGS);
    await using plain = await startRouter([`http://${engine.address}`], ["--tokenizer-threads", "0"]);
    for (let round = 0; round < 6; round += 1) {
      const content = `${round} ${LONG}`;
      const body = { messages: [{ role: "user", content }], max_tokens: 2, return_token_ids: true };
      const prompt = { prompt: [content, "short", `${content}!`], max_tokens: 2, return_token_ids: true };
      const [ours, theirs] = await Promise.all(
        [threaded, plain].map(async (router) => {
          const chat = (await (await router.post("/v1/chat/completions", body)).json()) as Answer;
          const completion = (await (await router.post("/v1/completions", prompt)).json()) as {
            readonly choices: readonly Answer[];
          };
          return [chat.prompt_token_ids, ...completion.choices.map((choice) => choice.prompt_token_ids)];
        }),
      );
      expect(ours?.[0]?.length).toBeGreaterThan(500);
      expect(ours).toEqual(theirs);
    }
    expect(threaded.logs.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  it("leave nothing behind when their clients leave, and when the router stops", async () => {
    await using engine = await startSimulator({ speed: 0 });
    const router = await startRouter([`http://${engine.address}`], FLAGS);
    const requests = Array.from({ length: 20 }, async (_, index) => {
      const leaving = new AbortController();
      const answered = router.post(
        "/v1/chat/completions",
        { messages: [{ role: "user", content: `${index} ${LONG}` }], max_tokens: 2 },
        { signal: leaving.signal },
      );
      setImmediate(() => leaving.abort());
      await answered.then(
        (response) => response.text().catch(() => undefined),
        () => undefined,
      );
    });
    await Promise.all(requests);
    await eventually("nothing is in flight", () => router.router.inFlight() === 0);
    // The next one is served as ever.
    const late = router.post("/v1/chat/completions", {
      messages: [{ role: "user", content: `late ${LONG}` }],
      max_tokens: 2,
    });
    expect((await late).status).toBe(200);
    await router[Symbol.asyncDispose]();
    await eventually("no stream is open on the engine", () => engine.openCalls === 0);
  });
});
