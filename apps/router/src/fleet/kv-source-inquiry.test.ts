import { EngineError, type EngineConnection, type KvEventSource } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { KvSourceInquiry } from "./kv-source-inquiry.ts";

function setUp(answers: (readonly KvEventSource[] | EngineError)[]) {
  const timers = createFakeTimers();
  const told: (readonly KvEventSource[])[] = [];
  let asked = 0;
  const connection = {
    dialect: "http",
    admin: {
      getKvEventSources: async () => {
        const answer = answers[asked] ?? [];
        asked += 1;
        if (answer instanceof EngineError) throw answer;
        return answer;
      },
    },
  } as unknown as EngineConnection;
  const inquiry = new KvSourceInquiry({ connection, timers, answered: (sources) => told.push(sources) });
  return { timers, told, inquiry, asked: () => asked };
}

describe("KvSourceInquiry", () => {
  it("asks until there is an answer, later each time", async () => {
    const away = new EngineError("unavailable", "not yet");
    const slow = new EngineError("deadline_exceeded", "too slow");
    const { timers, told, asked } = setUp([away, slow, away, []]);
    await timers.advance(0);
    expect(asked()).toBe(1);
    await timers.advance(499);
    expect(asked()).toBe(1);
    await timers.advance(1);
    expect(asked()).toBe(2);
    await timers.advance(999);
    expect(asked()).toBe(2);
    await timers.advance(1 + 2_000);
    expect([asked(), told]).toEqual([4, [[]]]);
    await timers.advance(100_000);
    expect([asked(), timers.size]).toEqual([4, 0]);
  });

  it("takes an engine that does not know the question for one that publishes nothing", async () => {
    for (const code of ["unimplemented", "rejected", "protocol"] as const) {
      const { timers, told, asked } = setUp([new EngineError(code, "what?")]);
      await timers.advance(100_000);
      expect([asked(), told]).toEqual([1, [[]]]);
    }
  });

  it("ends with the worker's life, whether it waits for an answer or for the next question", async () => {
    const waiting = setUp([new EngineError("unavailable", "not yet")]);
    await waiting.timers.advance(0);
    waiting.inquiry[Symbol.dispose]();
    await waiting.timers.advance(100_000);
    expect([waiting.asked(), waiting.told, waiting.timers.size]).toEqual([1, [], 0]);
    const asking = setUp([[]]);
    asking.inquiry[Symbol.dispose]();
    await asking.timers.advance(100_000);
    expect(asking.told).toEqual([]);
  });
});
