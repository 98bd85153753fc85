/** Ends a timer; a second call does nothing. */
export type CancelTimer = () => void;

/** Clocks and timers of the router. Everything that waits goes through here, so that closing the router ends all of it. */
export interface Timers {
  /** Milliseconds since the epoch: for instants told to others. Jumps when the machine's clock is set. */
  now(): number;
  /** Milliseconds of a clock that never jumps; its zero is arbitrary: for durations and for everything that expires. */
  steadyMs(): number;
  /** Calls once after `delayMs`. */
  after(delayMs: number, action: () => void): CancelTimer;
  /** Calls every `intervalMs`, first after one interval. */
  every(intervalMs: number, action: () => void): CancelTimer;
}

/** Longest delay of Node's timers; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Timers on the machine's clock, owned and ended together. */
export class SystemTimers implements Timers, Disposable {
  readonly #running = new Set<NodeJS.Timeout>();
  readonly #steadyOffsetMs: number;
  #disposed = false;

  /** @param steadyOffsetMs what another thread's steady clock is ahead of this one's, to agree with it */
  constructor(steadyOffsetMs = 0) {
    this.#steadyOffsetMs = steadyOffsetMs;
  }

  now(): number {
    return Date.now();
  }

  steadyMs(): number {
    return performance.now() + this.#steadyOffsetMs;
  }

  after(delayMs: number, action: () => void): CancelTimer {
    if (this.#disposed) {
      return () => undefined;
    }
    const timer = setTimeout(
      () => {
        this.#running.delete(timer);
        action();
      },
      Math.min(delayMs, LONGEST_DELAY_MS),
    );
    this.#running.add(timer);
    return () => this.#end(timer);
  }

  every(intervalMs: number, action: () => void): CancelTimer {
    if (this.#disposed) {
      return () => undefined;
    }
    const timer = setInterval(action, Math.min(intervalMs, LONGEST_DELAY_MS));
    this.#running.add(timer);
    return () => this.#end(timer);
  }

  /** Number of timers that are running; for leak checks. */
  get size(): number {
    return this.#running.size;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const timer of this.#running) {
      clearTimeout(timer);
    }
    this.#running.clear();
  }

  #end(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#running.delete(timer);
  }
}
