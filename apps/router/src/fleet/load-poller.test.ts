import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import type { LoadSample } from "./engine-events.ts";
import { type LoadAnswer, LoadPoller } from "./load-poller.ts";

function setUp(phase = 0) {
  const timers = createFakeTimers();
  const state = { asked: 0, isBusy: false, isTold: false, running: 0 };
  const samples: LoadSample[] = [];
  let answer = (): Promise<readonly LoadAnswer[] | undefined> =>
    Promise.resolve([{ rank: 1, runningRequests: state.running, waitingRequests: 0, kvCacheUsage: 0.5 }]);
  const poller = new LoadPoller({
    timers,
    intervalMs: 1000,
    phase,
    ask: () => {
      state.asked += 1;
      return answer();
    },
    isBusy: () => state.isBusy,
    isTold: () => state.isTold,
    heard: (sample) => samples.push(sample),
  });
  return { timers, state, samples, poller, answerWith: (other: typeof answer) => void (answer = other) };
}

describe("LoadPoller", () => {
  it("asks an idle engine seldom and a busy one often, whoever makes it busy", async () => {
    const { timers, state, samples } = setUp(0.5);
    await timers.advance(499);
    expect(state.asked).toBe(0);
    await timers.advance(1);
    expect([state.asked, samples]).toEqual([
      1,
      [
        {
          rank: 1,
          load: { runningRequests: 0, waitingRequests: 0, kvCacheUsage: 0.5, observedAtMs: 500 },
        },
      ],
    ]);
    await timers.advance(9_999);
    expect(state.asked).toBe(1);
    await timers.advance(1);
    expect(state.asked).toBe(2);
    state.isBusy = true;
    await timers.advance(3_000);
    expect(state.asked).toBe(5);
    state.isBusy = false;
    state.running = 4;
    await timers.advance(10_000);
    const foreign = state.asked;
    await timers.advance(3_000);
    expect(state.asked).toBe(foreign + 3);
  });

  it("asks nothing while the engine tells by itself, and never two things at once", async () => {
    const { timers, state, answerWith } = setUp();
    state.isTold = true;
    state.isBusy = true;
    await timers.advance(30_000);
    expect(state.asked).toBe(0);
    state.isTold = false;
    answerWith(() => new Promise(() => undefined));
    await timers.advance(30_000);
    expect(state.asked).toBe(1);
  });

  it("goes on after a failure, and ends when the engine does not know the question", async () => {
    const { timers, state, samples, answerWith } = setUp();
    state.isBusy = true;
    answerWith(() => Promise.reject(new Error("no answer")));
    await timers.advance(2_000);
    expect([state.asked, samples]).toEqual([3, []]);
    answerWith(() => Promise.resolve(undefined));
    await timers.advance(5_000);
    expect([state.asked, timers.size]).toEqual([4, 0]);
  });

  it("hears nothing after its end", async () => {
    const { timers, poller, samples, answerWith } = setUp();
    let tell: (answers: readonly LoadAnswer[]) => void = () => undefined;
    answerWith(
      () =>
        new Promise((resolve) => {
          tell = resolve;
        }),
    );
    await timers.advance(0);
    poller[Symbol.dispose]();
    tell([{ rank: 0, runningRequests: 1, waitingRequests: 1, kvCacheUsage: 1 }]);
    await timers.advance(5_000);
    expect([samples, timers.size]).toEqual([[], 0]);
  });
});
