import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAdmissionGate } from "./admission-gate.ts";
import { type AdmissionAnswer, type AdmissionTicket, createAdmission } from "./admission.ts";

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("enter" as const), waitMs: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const), pick: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), byMs: fc.nat(30) }) },
);

interface Visitor {
  readonly arrival: number;
  readonly ticket: AdmissionTicket;
  readonly answers: AdmissionAnswer[];
  readonly wasQueued: boolean;
}

describe("admission properties", () => {
  it("never exceeds the limit or the bound, keeps the order, answers each once, and returns to zero", () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 150 }),
        fc.record({
          limit: fc.integer({ min: 1, max: 4 }),
          queueSize: fc.nat(5),
          rate: fc.option(fc.integer({ min: 1, max: 200 })),
        }),
        (operations, { limit, queueSize, rate }) => {
          let nowMs = 0;
          const counter = new Int32Array(1);
          const gate = createAdmissionGate({
            maxConcurrentRequests: limit,
            rateLimitPerSecond: rate ?? undefined,
            startAtMs: 0,
            counter,
          });
          const admission = createAdmission({ gate, queueSize, queueTimeoutMs: 40, clock: () => nowMs });
          const visitors: Visitor[] = [];
          const admittedFromQueue: number[] = [];
          for (const step of operations) {
            if (step.kind === "enter") {
              const answers: AdmissionAnswer[] = [];
              const arrival = visitors.length;
              const onAnswer = (answer: AdmissionAnswer): void => {
                answers.push(answer);
                if (answer === "admitted") admittedFromQueue.push(arrival);
              };
              const ticket = admission.enter(onAnswer, nowMs + step.waitMs);
              visitors.push({ arrival, ticket, answers, wasQueued: ticket.state === "queued" });
            } else if (step.kind === "release") {
              visitors[step.pick % Math.max(1, visitors.length)]?.ticket.release();
            } else {
              nowMs += step.byMs;
              admission.expire(nowMs);
            }
            const isOverdue = visitors.some(
              ({ ticket }) =>
                ticket.state === "queued" && ticket.deadlineAtMs <= nowMs && step.kind === "pass",
            );
            expect(isOverdue).toBe(false);
            const inState = (state: string): number =>
              visitors.filter(({ ticket }) => ticket.state === state).length;
            expect(admission.inFlight).toBe(inState("admitted"));
            expect(admission.queued).toBe(inState("queued"));
            expect(counter[0]).toBe(admission.inFlight);
            expect(admission.inFlight).toBeLessThanOrEqual(limit);
            expect(admission.queued).toBeLessThanOrEqual(queueSize);
            // Nobody waits while there is a place, unless it is the rate that holds him back.
            expect(admission.queued > 0 && admission.inFlight < limit && rate === null).toBe(false);
            const deadlines = visitors
              .filter(({ ticket }) => ticket.state === "queued")
              .map(({ ticket }) => ticket.deadlineAtMs);
            expect(admission.nextDeadlineAtMs()).toBeLessThanOrEqual(Math.min(Infinity, ...deadlines));
          }
          visitors.forEach(({ ticket }) => ticket.release());
          nowMs += 1000;
          admission.expire(nowMs);
          visitors.forEach(({ ticket }) => ticket.release());
          expect([admission.inFlight, admission.queued, counter[0]]).toEqual([0, 0, 0]);
          expect(visitors.map(({ answers }) => answers.length)).toEqual(
            visitors.map(({ wasQueued }) => (wasQueued ? 1 : 0)),
          );
          expect(admittedFromQueue).toEqual(admittedFromQueue.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 200, seed: 23 },
    );
  });
});
