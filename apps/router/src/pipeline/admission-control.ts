import type { Admission, AdmissionTicket } from "@vllm-router/routing-core";
import type { CancelTimer, Timers } from "../fleet/timers.ts";

/** What became of a request at the door. */
export type AdmissionOutcome =
  | { readonly kind: "admitted"; readonly ticket: AdmissionTicket }
  | { readonly kind: "queue-full" }
  | { readonly kind: "queue-timeout" }
  /** The caller itself gave up while waiting. */
  | { readonly kind: "left" };

/** A request waiting at the door. */
export interface WaitingRequest {
  /** The client left: gives the place in the queue up. */
  leave(): void;
}

/**
 * The door of the router: a true limit on running requests, held to the end of their bodies, with a bounded queue before
 * it. Adds the one timer that the state machine of routing-core needs.
 */
export class AdmissionControl {
  readonly #admission: Admission;
  readonly #timers: Timers;
  #cancelTimer: CancelTimer | undefined;

  constructor(admission: Admission, timers: Timers) {
    this.#admission = admission;
    this.#timers = timers;
  }

  /** Requests running. */
  get inFlight(): number {
    return this.#admission.inFlight;
  }

  /** Requests waiting. */
  get queued(): number {
    return this.#admission.queued;
  }

  /**
   * Asks for a place. `then` is called once: at once when there is a place or no queue, else when the wait is over. The
   * ticket of an admitted request is released by whoever got it, at the end of the body.
   */
  enter(then: (outcome: AdmissionOutcome) => void): WaitingRequest {
    let waiting = true;
    const ticket = this.#admission.enter((answer) => {
      waiting = false;
      this.#arm();
      if (answer === "admitted") {
        then({ kind: "admitted", ticket });
      } else {
        then({ kind: answer === "expired" ? "queue-timeout" : "left" });
      }
    });
    if (ticket.state === "admitted") {
      waiting = false;
      then({ kind: "admitted", ticket });
    } else if (ticket.state === "rejected") {
      waiting = false;
      then({ kind: "queue-full" });
    } else {
      this.#arm();
    }
    return {
      leave: () => {
        if (waiting) {
          ticket.release();
        }
      },
    };
  }

  /** Another thread gave places back: whoever waits here may come in. */
  placesFreed(): void {
    this.#admission.expire(this.#timers.steadyMs());
    this.#arm();
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const atMs = this.#admission.nextDeadlineAtMs();
    if (Number.isFinite(atMs)) {
      this.#cancelTimer = this.#timers.after(Math.max(0, atMs - this.#timers.steadyMs()), () => {
        this.#admission.expire(this.#timers.steadyMs());
        this.#arm();
      });
    }
  }
}
