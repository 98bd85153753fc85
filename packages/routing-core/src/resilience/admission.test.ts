import { describe, expect, it } from "vitest";
import { createAdmissionGate } from "./admission-gate.ts";
import { type Admission, type AdmissionAnswer, createAdmission } from "./admission.ts";

function setUp(options: { limit: number; queueSize: number; ratePerSecond?: number; counter?: Int32Array }) {
  const clock = { nowMs: 0 };
  const answers: string[] = [];
  const admission: Admission = createAdmission({
    gate: createAdmissionGate({
      maxConcurrentRequests: options.limit,
      rateLimitPerSecond: options.ratePerSecond,
      startAtMs: 0,
      ...(options.counter === undefined ? {} : { counter: options.counter }),
    }),
    queueSize: options.queueSize,
    queueTimeoutMs: 1000,
    clock: () => clock.nowMs,
  });
  const enter = (name: string, deadlineAtMs?: number) =>
    admission.enter((answer: AdmissionAnswer) => answers.push(`${name} ${answer}`), deadlineAtMs);
  return { admission, answers, clock, enter };
}

describe("createAdmission()", () => {
  it("admits up to the limit, queues up to the bound, rejects the rest", () => {
    const { admission, enter, answers } = setUp({ limit: 2, queueSize: 1 });
    expect(["a", "b", "c", "d"].map((name) => enter(name).state)).toEqual([
      "admitted",
      "admitted",
      "queued",
      "rejected",
    ]);
    expect([admission.inFlight, admission.queued, answers]).toEqual([2, 1, []]);
  });

  it("holds a place until it is released and then admits the first in line", () => {
    const { admission, enter, answers } = setUp({ limit: 1, queueSize: 5 });
    const first = enter("a");
    const second = enter("b");
    enter("c");
    first.release();
    first.release();
    expect([answers, second.state, first.state]).toEqual([["b admitted"], "admitted", "released"]);
    second.release();
    expect(answers).toEqual(["b admitted", "c admitted"]);
    expect([admission.inFlight, admission.queued]).toEqual([1, 0]);
  });

  it("answers expired deadlines in order of arrival, once each", () => {
    const { admission, enter, answers, clock } = setUp({ limit: 1, queueSize: 5 });
    enter("a");
    enter("late", 900);
    enter("soon", 500);
    const gone = enter("default");
    expect(admission.nextDeadlineAtMs()).toBe(500);
    clock.nowMs = 499;
    admission.expire(499);
    expect(answers).toEqual([]);
    clock.nowMs = 950;
    admission.expire(950);
    expect(answers).toEqual(["late expired", "soon expired"]);
    expect(admission.nextDeadlineAtMs()).toBe(1000);
    gone.release();
    admission.expire(5000);
    expect(answers).toEqual(["late expired", "soon expired", "default cancelled"]);
    expect([admission.nextDeadlineAtMs(), admission.queued, gone.state]).toEqual([Infinity, 0, "cancelled"]);
  });

  it("does not admit a ticket whose deadline has come unnoticed", () => {
    const { enter, answers, clock } = setUp({ limit: 1, queueSize: 5 });
    const first = enter("a");
    enter("b", 100);
    enter("c", 5000);
    clock.nowMs = 200;
    first.release();
    expect(answers).toEqual(["b expired", "c admitted"]);
  });

  it("rejects at once what may not wait", () => {
    const { enter, clock } = setUp({ limit: 1, queueSize: 5 });
    clock.nowMs = 50;
    enter("a");
    expect(enter("b", 50).state).toBe("rejected");
  });

  it("lets nobody overtake the queue", () => {
    const counter = new Int32Array(1);
    const { enter, answers, admission } = setUp({ limit: 1, queueSize: 5, counter });
    counter[0] = 1;
    enter("a");
    counter[0] = 0;
    expect(enter("b").state).toBe("queued");
    expect([answers, admission.inFlight]).toEqual([["a admitted"], 1]);
  });

  it("admits who waits when another thread has released a place", () => {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const here = setUp({ limit: 1, queueSize: 5, counter });
    const there = setUp({ limit: 1, queueSize: 5, counter });
    const taken = there.enter("there");
    expect(here.enter("here").state).toBe("queued");
    taken.release();
    here.admission.expire(0);
    expect(here.answers).toEqual(["here admitted"]);
    expect(counter[0]).toBe(1);
  });

  it("admits no faster than the rate once the burst is used up", () => {
    const { admission, enter, answers, clock } = setUp({ limit: 2, queueSize: 5, ratePerSecond: 10 });
    enter("a").release();
    enter("b").release();
    expect(enter("c").state).toBe("queued");
    expect(admission.nextDeadlineAtMs()).toBe(100);
    clock.nowMs = 100;
    admission.expire(100);
    expect(answers).toEqual(["c admitted"]);
    enter("d");
    expect(admission.nextDeadlineAtMs()).toBe(200);
  });

  it("knows no limit when there is none", () => {
    const { admission, enter } = setUp({ limit: Infinity, queueSize: 0 });
    const tickets = Array.from({ length: 1000 }, () => enter("x"));
    expect(tickets.every((ticket) => ticket.state === "admitted")).toBe(true);
    tickets.forEach((ticket) => ticket.release());
    expect(admission.inFlight).toBe(0);
  });

  it("refuses limits that make no sense", () => {
    expect(() => setUp({ limit: 0, queueSize: 1 })).toThrow("maxConcurrentRequests must be at least 1");
    expect(() => setUp({ limit: 1, queueSize: -1 })).toThrow("must not be negative");
    expect(() => setUp({ limit: 1, queueSize: 1, ratePerSecond: 0 })).toThrow(
      "rateLimitPerSecond must be above 0",
    );
  });
});
