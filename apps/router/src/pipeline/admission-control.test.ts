import { createAdmission, createAdmissionGate } from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { createFakeTimers, type FakeTimers } from "../../test/fake-timers.ts";
import { AdmissionControl, type AdmissionOutcome } from "./admission-control.ts";

function create(limit: number, queueSize: number): { control: AdmissionControl; timers: FakeTimers } {
  const timers = createFakeTimers();
  const gate = createAdmissionGate({ maxConcurrentRequests: limit, startAtMs: timers.steadyMs() });
  const admission = createAdmission({
    gate,
    queueSize,
    queueTimeoutMs: 1_000,
    clock: () => timers.steadyMs(),
  });
  return { control: new AdmissionControl(admission, timers), timers };
}

function enter(control: AdmissionControl): { outcomes: AdmissionOutcome[]; leave(): void } {
  const outcomes: AdmissionOutcome[] = [];
  const waiting = control.enter((outcome) => void outcomes.push(outcome));
  return { outcomes, leave: () => waiting.leave() };
}

function kinds(...entered: { outcomes: AdmissionOutcome[] }[]): string[][] {
  return entered.map(({ outcomes }) => outcomes.map(({ kind }) => kind));
}

function release({ outcomes }: { outcomes: AdmissionOutcome[] }): void {
  for (const outcome of outcomes) {
    if (outcome.kind === "admitted") {
      outcome.ticket.release();
    }
  }
}

describe("AdmissionControl", () => {
  it("admits up to the limit, lets the queue wait in order, and refuses the rest at once", () => {
    const { control, timers } = create(1, 2);
    const [first, second, third, fourth] = [
      enter(control),
      enter(control),
      enter(control),
      enter(control),
    ] as const;
    expect(kinds(first, second, third, fourth)).toEqual([["admitted"], [], [], ["queue-full"]]);
    expect([control.inFlight, control.queued]).toEqual([1, 2]);
    release(first);
    release(first);
    expect(kinds(second, third)).toEqual([["admitted"], []]);
    release(second);
    release(third);
    expect(kinds(second, third)).toEqual([["admitted"], ["admitted"]]);
    expect([control.inFlight, control.queued, timers.size]).toEqual([0, 0, 0]);
  });

  it("gives up who waited too long, once, with one timer for all", async () => {
    const { control, timers } = create(1, 5);
    const running = enter(control);
    const early = enter(control);
    await timers.advance(400);
    const late = enter(control);
    expect(timers.size).toBe(1);
    await timers.advance(700);
    expect(kinds(early, late)).toEqual([["queue-timeout"], []]);
    await timers.advance(400);
    expect(kinds(early, late)).toEqual([["queue-timeout"], ["queue-timeout"]]);
    expect(timers.size).toBe(0);
    release(running);
    expect(control.inFlight).toBe(0);
  });

  it("forgets who leaves, whether waiting, admitted or refused", () => {
    const { control, timers } = create(1, 1);
    const running = enter(control);
    const waiting = enter(control);
    const refused = enter(control);
    waiting.leave();
    waiting.leave();
    running.leave();
    refused.leave();
    expect(kinds(running, waiting, refused)).toEqual([["admitted"], ["left"], ["queue-full"]]);
    expect([control.inFlight, control.queued, timers.size]).toEqual([1, 0, 0]);
  });
});
