import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

interface Scores {
  readonly data: readonly { readonly score: number }[];
  readonly usage: object;
}

const LABELS = [300, 301, 302, 2000];

describe("/generative_scoring", () => {
  it("shares one among the labels, whichever of them the engine tells by itself", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const score = async (body: object): Promise<Scores> => {
      const response = await router.post("/generative_scoring", {
        query: "Is it good?",
        items: ["yes", "no"],
        label_token_ids: LABELS,
        ...body,
      });
      expect(response.status).toBe(200);
      return (await response.json()) as Scores;
    };
    const whole = await score({});
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^generative-scoring-[0-9a-f]{16}$/),
      object: "list",
      data: [
        { index: 0, object: "score" },
        { index: 1, object: "score" },
      ],
    });
    const shares = await Promise.all(
      LABELS.map((first) =>
        score({ label_token_ids: [first, ...LABELS.filter((label) => label !== first)] }),
      ),
    );
    for (const item of [0, 1]) {
      const sum = shares.reduce((total, { data }) => total + (data[item]?.score ?? 0), 0);
      expect(sum).toBeCloseTo(1, 10);
    }
    expect(router.router.inFlight()).toBe(0);
  });

  it("reads each item once without softmax, and puts items and query together as asked", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = { query: [5, 6], items: [[7], [8, 9]], label_token_ids: [300, 301], apply_softmax: false };
    const answer = (await (await router.post("/generative_scoring", body)).json()) as Scores;
    expect(answer.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 });
    expect(promptsOf(engine.requests)).toEqual([
      [5, 6, 7],
      [5, 6, 8, 9],
    ]);
    expect(engine.requests.every(({ request }) => request.samplingParams?.maxTokens === 1)).toBe(true);
    await router.post("/generative_scoring", { ...body, item_first: true });
    expect(promptsOf(engine.requests).slice(2)).toEqual([
      [7, 5, 6],
      [8, 9, 5, 6],
    ]);
  });

  it("asks for labels with further calls only where they are missing", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const body = { query: [5], items: [[7]], label_token_ids: LABELS };
    expect((await router.post("/generative_scoring", body)).status).toBe(200);
    const forced = engine.requests.map(({ request }) => Object.keys(request.samplingParams?.logitBias ?? {}));
    expect(forced.flat().map(Number)).toContain(LABELS[0]);
    expect(new Set(forced.flat()).size).toBe(forced.length);
    expect(forced.length).toBeLessThanOrEqual(LABELS.length);
  });

  it("refuses in vLLM's words", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const messageOf = async (body: object): Promise<string> => {
      const request = { query: "q", items: ["a"], label_token_ids: [1], ...body };
      const answer = (await (await router.post("/generative_scoring", request)).json()) as {
        error: { message: string };
      };
      return answer.error.message;
    };
    expect(await messageOf({ label_token_ids: [99_999] })).toMatch(
      /^label_token_id 99999 is out of vocabulary range \[0, \d+\)\. Please provide valid token IDs\.$/,
    );
    expect(await messageOf({ label_token_ids: [] })).toBe(
      "label_token_ids must contain at least one token ID.",
    );
    expect(await messageOf({ items: [] })).toBe("items must contain at least one item.");
    expect(await messageOf({ query: [], items: [[]] })).toBe("The decoder prompt cannot be empty");
    expect(await messageOf({ label_token_ids: Array.from({ length: 21 }, (_, id) => id) })).toBe(
      "Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)",
    );
    expect(engine.requests).toEqual([]);
  });
});

function promptsOf(
  records: readonly { readonly request: { readonly input?: unknown } }[],
): readonly (readonly number[])[] {
  return records.map(({ request }) => {
    const input = request.input as { readonly value: { readonly inputIds: readonly number[] } };
    return [...input.value.inputIds];
  });
}
