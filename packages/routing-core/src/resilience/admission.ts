import type { Clock } from "../clock.ts";
import { RoutingError } from "../routing-error.ts";
import type { AdmissionGate } from "./admission-gate.ts";

/** What became of a ticket that had to queue. */
export type AdmissionAnswer = "admitted" | "expired" | "cancelled";

/** Where a ticket stands. `rejected`: the queue was full (or absent). */
export type AdmissionState = "queued" | "rejected" | "released" | AdmissionAnswer;

/** One request's place, from its arrival to the end of its body. */
export interface AdmissionTicket {
  readonly state: AdmissionState;
  /** Instant at which it stops waiting; meaningful only while queued. */
  readonly deadlineAtMs: number;
  /**
   * Ends whatever the ticket holds: gives the place back when admitted, leaves the queue when waiting (its listener hears
   * `cancelled`). Safe in every state and more than once.
   */
  release(): void;
}

/** Lets a bounded number of requests in, queues a bounded number of others, refuses the rest. */
export interface Admission {
  /** Requests admitted and not released, by this object. */
  readonly inFlight: number;
  readonly queued: number;
  /**
   * Asks for a place. The state of the returned ticket is the answer; only for a `queued` one `onAnswer` is called, later
   * and exactly once. `deadlineAtMs` defaults to the queue timeout from now.
   */
  enter(onAnswer: (answer: AdmissionAnswer) => void, deadlineAtMs?: number): AdmissionTicket;
  /** When `expire` has something to do next; Infinity when nothing is scheduled. */
  nextDeadlineAtMs(): number;
  /** Answers every ticket whose deadline has come and admits who fits. Also after another thread released a place. */
  expire(nowMs: number): void;
}

/** Places in the queue, where several threads have one together. */
export interface QueuePlaces {
  /** Takes a place when there is one. */
  tryJoin(): boolean;
  /** Gives it back. */
  leave(): void;
}

/** Options of {@link createAdmission}. */
export interface AdmissionOptions {
  readonly gate: AdmissionGate;
  /** Most tickets waiting; 0 refuses at once. Rust router: 100. */
  readonly queueSize: number;
  /** Bounds the queue in place of `queueSize` where it is shared with other threads. */
  readonly places?: QueuePlaces;
  /** Longest wait where no deadline is given. Rust router: 60,000. */
  readonly queueTimeoutMs: number;
  readonly clock: Clock;
}

/** The Rust router's defaults. */
export const ADMISSION_DEFAULTS = Object.freeze({
  maxConcurrentRequests: 32_768,
  queueSize: 100,
  queueTimeoutMs: 60_000,
});

/** Creates an admission with nothing in flight. First come, first served. */
export function createAdmission(options: AdmissionOptions): Admission {
  return new FifoAdmission(options);
}

class FifoAdmission implements Admission {
  readonly #gate: AdmissionGate;
  readonly #queueSize: number;
  readonly #places: QueuePlaces | undefined;
  readonly #queueTimeoutMs: number;
  readonly #clock: Clock;
  #inFlight = 0;
  #queued = 0;
  #first: QueuedTicket | null = null;
  #last: QueuedTicket | null = null;
  /** Never later than the earliest deadline in the queue; may be earlier after a cancellation. */
  #earliestAtMs = Infinity;

  constructor(options: AdmissionOptions) {
    const { queueSize, queueTimeoutMs } = options;
    if (!(queueSize >= 0) || !(queueTimeoutMs >= 0)) {
      throw new RoutingError("invalid_parameter", "queueSize and queueTimeoutMs must not be negative");
    }
    this.#gate = options.gate;
    this.#queueSize = queueSize;
    this.#places = options.places;
    this.#queueTimeoutMs = queueTimeoutMs;
    this.#clock = options.clock;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queued;
  }

  enter(onAnswer: (answer: AdmissionAnswer) => void, deadlineAtMs?: number): AdmissionTicket {
    const nowMs = this.#clock();
    // Whoever came first goes first, also when a place got free without anybody having been told.
    this.#admitWaiting(nowMs);
    const ticket = new QueuedTicket(this, onAnswer, deadlineAtMs ?? nowMs + this.#queueTimeoutMs);
    if (this.#first === null && this.#gate.tryEnter(nowMs)) {
      this.#inFlight += 1;
      ticket.state = "admitted";
    } else if (ticket.deadlineAtMs <= nowMs || !this.#hasRoom()) {
      ticket.state = "rejected";
    } else {
      this.#append(ticket);
      if (this.#places !== undefined && this.#first === ticket && this.#gate.tryEnter(nowMs)) {
        // Another thread gave a place back after it was asked for and before it could see that somebody waits.
        this.#remove(ticket);
        this.#inFlight += 1;
        ticket.state = "admitted";
      }
    }
    return ticket;
  }

  nextDeadlineAtMs(): number {
    return this.#first === null
      ? Infinity
      : Math.min(this.#earliestAtMs, this.#gate.nextOpeningAtMs(this.#clock()));
  }

  expire(nowMs: number): void {
    this.#admitWaiting(nowMs);
    if (nowMs < this.#earliestAtMs) {
      return;
    }
    let earliestAtMs = Infinity;
    const expired: QueuedTicket[] = [];
    for (let ticket = this.#first; ticket !== null; ticket = ticket.next) {
      if (ticket.deadlineAtMs <= nowMs) {
        expired.push(ticket);
      } else {
        earliestAtMs = Math.min(earliestAtMs, ticket.deadlineAtMs);
      }
    }
    this.#earliestAtMs = earliestAtMs;
    for (const ticket of expired) {
      if (ticket.state === "queued") {
        this.#remove(ticket);
        ticket.answer("expired");
      }
    }
  }

  /** For this module's tickets only. */
  end(ticket: QueuedTicket): void {
    if (ticket.state === "queued") {
      this.#remove(ticket);
      ticket.answer("cancelled");
    } else if (ticket.state === "admitted") {
      ticket.state = "released";
      this.#inFlight -= 1;
      this.#gate.leave();
      this.#admitWaiting(this.#clock());
    }
  }

  #admitWaiting(nowMs: number): void {
    while (this.#first !== null) {
      const ticket = this.#first;
      if (ticket.deadlineAtMs <= nowMs) {
        this.#remove(ticket);
        ticket.answer("expired");
      } else if (this.#gate.tryEnter(nowMs)) {
        this.#remove(ticket);
        this.#inFlight += 1;
        ticket.answer("admitted");
      } else {
        return;
      }
    }
  }

  #hasRoom(): boolean {
    return this.#places === undefined ? this.#queued < this.#queueSize : this.#places.tryJoin();
  }

  #append(ticket: QueuedTicket): void {
    ticket.previous = this.#last;
    if (this.#last === null) {
      this.#first = ticket;
    } else {
      this.#last.next = ticket;
    }
    this.#last = ticket;
    this.#queued += 1;
    this.#earliestAtMs = Math.min(this.#earliestAtMs, ticket.deadlineAtMs);
  }

  #remove(ticket: QueuedTicket): void {
    if (ticket.previous === null) {
      this.#first = ticket.next;
    } else {
      ticket.previous.next = ticket.next;
    }
    if (ticket.next === null) {
      this.#last = ticket.previous;
    } else {
      ticket.next.previous = ticket.previous;
    }
    ticket.previous = null;
    ticket.next = null;
    this.#queued -= 1;
    this.#places?.leave();
    if (this.#first === null) {
      this.#earliestAtMs = Infinity;
    }
  }
}

class QueuedTicket implements AdmissionTicket {
  state: AdmissionState = "queued";
  previous: QueuedTicket | null = null;
  next: QueuedTicket | null = null;
  readonly deadlineAtMs: number;
  readonly #admission: FifoAdmission;
  readonly #onAnswer: (answer: AdmissionAnswer) => void;

  constructor(admission: FifoAdmission, onAnswer: (answer: AdmissionAnswer) => void, deadlineAtMs: number) {
    this.#admission = admission;
    this.#onAnswer = onAnswer;
    this.deadlineAtMs = deadlineAtMs;
  }

  answer(answer: AdmissionAnswer): void {
    this.state = answer;
    this.#onAnswer(answer);
  }

  release(): void {
    this.#admission.end(this);
  }
}
