import type { Timers } from "./timers.ts";

/** Engines that are reached for at the same time. */
const AT_ONCE = 4;
/** After so long the next one begins, whether an engine has answered or not: one that is silent holds up nobody. */
const HOLD_MS = 100;

/**
 * Lets engines be reached for a few at a time: of a hundred that are configured the first should serve before the last is asked
 * anything.
 */
export class StaggeredStart {
  readonly #timers: Pick<Timers, "after">;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(timers: Pick<Timers, "after">) {
    this.#timers = timers;
  }

  /** Resolves when it is the caller's turn, with a function that ends the turn; a second call of it does nothing. */
  async turn(): Promise<() => void> {
    if (this.#running < AT_ONCE) {
      this.#running += 1;
    } else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    };
    const cancel = this.#timers.after(HOLD_MS, end);
    return end;
  }
}
